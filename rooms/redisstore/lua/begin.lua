-- Begins what is to be done once.
-- KEYS what is known of it   ARGV request, turn, how long it may take, how long it is known, both in ms
-- returns {begun}, {done, answer}, {underway} or {other}
local known = redis.call('HMGET', KEYS[1], 'request', 'until', 'answer')
if known[1] and known[1] ~= ARGV[1] then return {'other'} end
if known[3] then return {'done', known[3]} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if known[2] and tonumber(known[2]) > now then return {'underway'} end
redis.call('HSET', KEYS[1], 'request', ARGV[1], 'turn', ARGV[2], 'until', string.format('%.0f', now + ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {'begun'}
