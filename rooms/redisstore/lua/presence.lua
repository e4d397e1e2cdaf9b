-- What is known of a room now, as of one instant of Redis TIME.
-- KEYS lease, beats, memory
-- returns {seconds, microseconds, epoch, beat of that epoch or '', memory or '', node or ''}
local t = redis.call('TIME')
local lease = redis.call('HMGET', KEYS[1], 'epoch', 'node')
local epoch = lease[1] or '0'
return {t[1], t[2], epoch, redis.call('HGET', KEYS[2], epoch) or '', redis.call('GET', KEYS[3]) or '', lease[2] or ''}
