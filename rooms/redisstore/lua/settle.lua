-- Ends an attempt at the head of a lane.
-- KEYS queue, due, tries, dead, letters, log, state
-- ARGV lane, number, what becomes of it: sent, again or dead; ms until it is tried again,
--      ms that the destination is held; the attempt as JSON, most lines of the log
-- returns 1, or 0 when it is not the head any more
local waiting = redis.call('HGET', KEYS[1], ARGV[1])
if not waiting or string.match(waiting, '^%d+') ~= ARGV[2] then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if ARGV[3] == 'again' then
  redis.call('HINCRBY', KEYS[3], ARGV[1], 1)
  redis.call('ZADD', KEYS[2], string.format('%.0f', now + tonumber(ARGV[4])), ARGV[1])
else
  local rest = string.match(waiting, '^%d+ (.+)$')
  redis.call('HDEL', KEYS[3], ARGV[1])
  redis.call('HINCRBY', KEYS[7], 'queued', -1)
  if rest then
    redis.call('HSET', KEYS[1], ARGV[1], rest)
    redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[1])
  else
    redis.call('HDEL', KEYS[1], ARGV[1])
    redis.call('ZREM', KEYS[2], ARGV[1])
  end
end
if ARGV[3] == 'dead' then
  redis.call('ZADD', KEYS[4], ARGV[2], ARGV[2])
  redis.call('HSET', KEYS[5], ARGV[2], ARGV[1] .. ' ' .. ARGV[6])
end
if tonumber(ARGV[5]) > 0 then
  redis.call('HSET', KEYS[7], 'held', string.format('%.0f', now + tonumber(ARGV[5])))
end
redis.call('XADD', KEYS[6], 'MAXLEN', '~', ARGV[7], '*', 'a', ARGV[6])
redis.call('HSET', KEYS[7], ARGV[3] == 'sent' and 'delivered' or 'failed', ARGV[6])
return 1
