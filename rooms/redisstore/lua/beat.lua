-- Renews the lease and overwrites proof of life and presence, as long as no
-- other epoch has taken the room. A lease that ran out and that nobody took is
-- still ours; one that Redis has forgotten is ours again.
-- KEYS lease, beats, heads   ARGV epoch, node, lease in ms, beat as JSON
-- returns {1 or 0 when another owns the room, seconds, microseconds, head of the
-- epoch's log, of its audit trail}; the heads are '' where there is none
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local lease = redis.call('HMGET', KEYS[1], 'epoch', 'node')
local epoch, mine = tonumber(lease[1] or '0'), tonumber(ARGV[1])
if epoch > mine or (epoch == mine and lease[2] and lease[2] ~= ARGV[2]) then
  return {0, t[1], t[2]}
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'node', ARGV[2],
  'until', string.format('%.0f', now + tonumber(ARGV[3])))
redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f', now) .. ' ' .. ARGV[4])
local heads = redis.call('HMGET', KEYS[3], 'log:' .. ARGV[1], 'audit:' .. ARGV[1])
return {1, t[1], t[2], heads[1] or '', heads[2] or ''}
