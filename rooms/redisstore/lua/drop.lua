-- Removes a beat, unless its owner has written another one since.
-- KEYS beats   ARGV epoch, beat
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
