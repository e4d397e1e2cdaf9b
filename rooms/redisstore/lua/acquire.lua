-- Takes the ownership of a room: the next epoch, unless another node's lease
-- has not run out. A node takes its own lease over at once: it has restarted.
-- KEYS lease, memory, beats   ARGV node, lease in ms
-- returns {epoch or 0, holder, seconds, microseconds, memory, {epoch, beat ...}}
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local lease = redis.call('HMGET', KEYS[1], 'node', 'until')
if lease[1] and lease[1] ~= ARGV[1] and tonumber(lease[2] or '0') > now then
  return {0, lease[1], t[1], t[2], '', {}}
end
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'until', string.format('%.0f', now + tonumber(ARGV[2])))
return {epoch, ARGV[1], t[1], t[2], redis.call('GET', KEYS[2]) or '', redis.call('HGETALL', KEYS[3])}
