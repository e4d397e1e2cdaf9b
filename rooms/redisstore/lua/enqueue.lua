-- Moves the place of a destination in the feed, with what it passes that is to
-- be sent, unless somebody has moved it since.
-- KEYS place, queue, due, state, document   ARGV place before, after, then lane and number of each
-- returns 1, or 0 when it has been moved
if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] or redis.call('EXISTS', KEYS[5]) == 0 then return 0 end
local t = redis.call('TIME')
local now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
for i = 3, #ARGV, 2 do
  local waiting = redis.call('HGET', KEYS[2], ARGV[i])
  redis.call('HSET', KEYS[2], ARGV[i], waiting and waiting .. ' ' .. ARGV[i + 1] or ARGV[i + 1])
  if not waiting then redis.call('ZADD', KEYS[3], now, ARGV[i]) end
end
redis.call('HINCRBY', KEYS[4], 'queued', (#ARGV - 2) / 2)
redis.call('SET', KEYS[1], ARGV[2])
return 1
