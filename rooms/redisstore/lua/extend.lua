-- Appends entries to chains of a session, on the condition that nothing but
-- the audit trail of its rooms has been written since the caller looked: the
-- evidence may not have grown, nor what is written about it.
-- KEYS heads, then streams
-- ARGV what the caller saw of audit:0 ('' for nothing), number of other heads, their name and value each,
--      then per entry: place of its stream in KEYS, name of that, number, entry, hash
-- returns 1, or 0 when something has moved
local seen, heads, count = {}, redis.call('HGETALL', KEYS[1]), 0
local expected = tonumber(ARGV[2])
for i = 3, 2 + 2 * expected, 2 do seen[ARGV[i]] = ARGV[i + 1] end
seen['audit:0'] = ARGV[1]
if (redis.call('HGET', KEYS[1], 'audit:0') or '') ~= ARGV[1] then return 0 end
for i = 1, #heads, 2 do
  if not string.match(heads[i], '^audit:') then
    if seen[heads[i]] ~= heads[i + 1] then return 0 end
    count = count + 1
  end
end
if count ~= expected then return 0 end
for i = 3 + 2 * expected, #ARGV, 5 do
  redis.call('XADD', KEYS[tonumber(ARGV[i])], ARGV[i + 2] .. '-0', 'e', ARGV[i + 3], 'h', ARGV[i + 4])
  redis.call('HSET', KEYS[1], ARGV[i + 1], ARGV[i + 2] .. ' ' .. ARGV[i + 4])
end
return 1
