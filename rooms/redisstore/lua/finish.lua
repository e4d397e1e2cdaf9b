-- Keeps the answer of what was done once, or forgets that it was begun, unless
-- it is somebody else's turn by now.
-- KEYS what is known of it   ARGV turn, answer or '', how long it is known in ms
if redis.call('HGET', KEYS[1], 'turn') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('HDEL', KEYS[1], 'turn', 'until')
redis.call('HSET', KEYS[1], 'answer', ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
