-- Appends numbered entries to a stream. An entry that is there already is
-- skipped; one that is there with another hash, or that does not follow from
-- the last one, is refused. So is a hole, unless it is forced: then Redis has
-- lost what nobody has any more.
-- KEYS stream, heads, lease
-- ARGV name of the stream, its epoch, number of its first entry, 1 to force,
--      then per entry: number, entry, hash, hash of the one before
-- returns {0}; {1, number} of the entry that is refused; {2, last} before a hole
local first, force = tonumber(ARGV[3]), ARGV[4] == '1'
local last, head = first - 1, nil
local tail = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if #tail > 0 then
  last, head = tonumber(string.match(tail[1][1], '^%d+')), tail[1][2][4]
end

-- A log that comes late, to a Redis that has lost the lease: its epoch must
-- not be given again.
if tonumber(redis.call('HGET', KEYS[3], 'epoch') or '0') < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[3], 'epoch', ARGV[2])
end

for i = 5, #ARGV, 4 do
  local seq, id = tonumber(ARGV[i]), ARGV[i] .. '-0'
  local entry, hash, before = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if seq <= last then
    local there = redis.call('XRANGE', KEYS[1], id, id)
    if #there == 0 or there[1][2][4] ~= hash then return {1, seq} end
  else
    if seq > last + 1 and not force then return {2, last} end
    if seq == last + 1 and head and head ~= before then return {1, seq} end
    redis.call('XADD', KEYS[1], id, 'e', entry, 'h', hash)
    redis.call('HSET', KEYS[2], ARGV[1], ARGV[i] .. ' ' .. hash)
    last, head = seq, hash
  end
end
return {0}
