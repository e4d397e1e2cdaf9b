-- Puts an authorization on the feed when its status is another one than was
-- told last. One that was never low has nothing to recover from; one that was
-- worked out before the last is late, and is dropped.
-- KEYS feed, told   ARGV field in told, as of which ms, status, change as JSON
-- returns 1, or 0 when there is nothing new
local told, previous = redis.call('HGET', KEYS[2], ARGV[1]), '-'
if told then
  local asof
  asof, previous = string.match(told, '^(%d+) (%S+)$')
  if tonumber(asof) > tonumber(ARGV[2]) then return 0 end
end
if previous == ARGV[3] or (previous == '-' and ARGV[3] == 'recovered') then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. previous)
  return 0
end
local t = redis.call('TIME')
local tail = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local last = #tail > 0 and tonumber(string.match(tail[1][1], '^%d+')) or 0
redis.call('XADD', KEYS[1], string.format('%.0f-0', last + 1), 'kind', 'authorization',
  'at', string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)), 'previous', previous, 'c', ARGV[4])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
return 1
