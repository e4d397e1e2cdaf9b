-- Appends rows to the accounting of a person, if it still ends where the
-- caller saw it end.
-- KEYS stream   ARGV hash of the last row ('' for none), then number, row, hash of each
-- returns 1, or 0 when somebody has written since
local tail = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if (#tail > 0 and tail[1][2][4] or '') ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 3 do
  redis.call('XADD', KEYS[1], ARGV[i] .. '-0', 'e', ARGV[i + 1], 'h', ARGV[i + 2])
end
return 1
