-- Puts a reading or a signature on the feed, unless it, or a later one of its
-- session, is there.
-- KEYS feed, told   ARGV field of the session in told, number, kind, change as JSON
-- returns 1, or 0 when it was told
if tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0') >= tonumber(ARGV[2]) then return 0 end
local t = redis.call('TIME')
local tail = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local last = #tail > 0 and tonumber(string.match(tail[1][1], '^%d+')) or 0
redis.call('XADD', KEYS[1], string.format('%.0f-0', last + 1), 'kind', ARGV[3],
  'at', string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)), 'c', ARGV[4])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1
