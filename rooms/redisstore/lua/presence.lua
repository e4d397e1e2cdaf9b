-- What is known of a room now, as of one instant of Redis TIME.
-- KEYS lease, beats, memory
-- returns {seconds, microseconds, epoch, beat of that epoch or '', memory or ''}
local t = redis.call('TIME')
local epoch = redis.call('HGET', KEYS[1], 'epoch') or '0'
return {t[1], t[2], epoch, redis.call('HGET', KEYS[2], epoch) or '', redis.call('GET', KEYS[3]) or ''}
