-- Puts a week of a person on the feed, if it is not what was told last of it.
-- While somebody is in a session of the week, only another verdict is told. A
-- row that was worked out before the last one is late, and is dropped.
-- KEYS feed, rows of the week, names of all rows
-- ARGV person, name of the row, as of which ms, verdict, 1 while it runs, change as JSON
-- returns 1, or 0 when there is nothing new
-- A row is "<as of> <seq> <at> <verdict> <previous verdict[,final] or -> <change as JSON>".
local row, previous = redis.call('HGET', KEYS[2], ARGV[1]), '-'
if row then
  local asof, told, verdict, change = string.match(row, '^(%d+) (%d+ %d+) (%S+) %S+ (.*)$')
  if tonumber(asof) > tonumber(ARGV[3]) then return 0 end
  if change == ARGV[6] or (verdict == ARGV[4] and ARGV[5] == '1') then
    redis.call('HSET', KEYS[2], ARGV[1], ARGV[3] .. string.sub(row, #asof + 1))
    return 0
  end
  previous = verdict .. (string.find(change, '"final":true', 1, true) and ',final' or '')
end
local t = redis.call('TIME')
local at = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
local tail = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local seq = string.format('%.0f', (#tail > 0 and tonumber(string.match(tail[1][1], '^%d+')) or 0) + 1)
redis.call('XADD', KEYS[1], seq .. '-0', 'kind', 'week', 'at', at, 'previous', previous, 'c', ARGV[6])
redis.call('HSET', KEYS[2], ARGV[1], table.concat({ARGV[3], seq, at, ARGV[4], previous, ARGV[6]}, ' '))
redis.call('ZADD', KEYS[3], 0, ARGV[2])
return 1
