-- Puts the verdict on a week on the feed, if it is another one than was told
-- last. One that was worked out before that is late, and is dropped.
-- KEYS feed, told   ARGV field of the week in told, as of which ms, person, week, verdict
-- returns 1, or 0 when there is nothing new
local told, previous = redis.call('HGET', KEYS[2], ARGV[1]), ''
if told then
  local asof
  asof, previous = string.match(told, '^(%d+) (.*)$')
  if tonumber(asof) > tonumber(ARGV[2]) then return 0 end
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. ARGV[5])
if previous == ARGV[5] then return 0 end
local t = redis.call('TIME')
local tail = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local last = #tail > 0 and tonumber(string.match(tail[1][1], '^%d+')) or 0
redis.call('XADD', KEYS[1], string.format('%.0f-0', last + 1),
  'kind', 'week', 'at', string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)),
  'person', ARGV[3], 'week', ARGV[4], 'verdict', ARGV[5], 'previous', previous)
return 1
