-- Takes or keeps the right to send to a destination, unless another node's has
-- not run out. A node takes its own over at once: it has restarted.
-- KEYS sender, document   ARGV node, for how long in ms
-- returns 1, or 0 when another node sends, or there is no such destination
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local sender = redis.call('HMGET', KEYS[1], 'node', 'until')
if sender[1] and sender[1] ~= ARGV[1] and tonumber(sender[2] or '0') > now then return 0 end
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'until', string.format('%.0f', now + tonumber(ARGV[2])))
return 1
