-- Replaces the durable state of a room, unless another epoch owns the room by
-- now: what a former owner believes must not undo what the present one did.
-- KEYS memory, lease   ARGV epoch, node, memory as JSON
-- returns 1, or 0 when it was refused
local lease = redis.call('HMGET', KEYS[2], 'epoch', 'node')
local epoch, mine = tonumber(lease[1] or '0'), tonumber(ARGV[1])
if epoch > mine or (epoch == mine and lease[2] and lease[2] ~= ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3])
return 1
