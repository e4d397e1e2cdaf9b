-- Gives a lease back, if it is still ours. The epoch stays: it is never given
-- twice. The beat goes: everything it proved is in the log.
-- KEYS lease, beats   ARGV epoch, node
redis.call('HDEL', KEYS[2], ARGV[1])
local lease = redis.call('HMGET', KEYS[1], 'epoch', 'node')
if lease[1] == ARGV[1] and lease[2] == ARGV[2] then
  redis.call('HSET', KEYS[1], 'until', '0')
  redis.call('HDEL', KEYS[1], 'node')
end
return 1
