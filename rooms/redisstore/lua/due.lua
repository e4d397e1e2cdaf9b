-- The heads of the lanes whose time has come, the longest waiting first.
-- KEYS due, queue, tries, state   ARGV at most how many
-- returns {ms until there is more, 0 when nothing waits, {lane, number, tries ...}}
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local held = tonumber(redis.call('HGET', KEYS[4], 'held') or '0')
if held > now then return {held - now, {}} end
local heads = {}
for _, lane in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[1])) do
  heads[#heads + 1] = lane
  heads[#heads + 1] = string.match(redis.call('HGET', KEYS[2], lane) or '', '^%d+') or ''
  heads[#heads + 1] = redis.call('HGET', KEYS[3], lane) or '0'
end
local later = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
return {later[2] and math.max(1, tonumber(later[2]) - now) or 0, heads}
