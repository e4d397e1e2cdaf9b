-- Puts dead letters back into their lanes, each in its place by number, and
-- lets everything that waits be tried now.
-- KEYS queue, due, tries, dead, letters, state   ARGV number, or 0 for at most 1000 of them
-- returns how many went back
local t = redis.call('TIME')
local now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
local numbers = {ARGV[1]}
if ARGV[1] == '0' then numbers = redis.call('ZRANGE', KEYS[4], 0, 999) end
local back = 0
for _, number in ipairs(numbers) do
  local lane = string.match(redis.call('HGET', KEYS[5], number) or '', '^(%S+) ')
  if lane then
    local line, placed = {}, false
    for other in string.gmatch(redis.call('HGET', KEYS[1], lane) or '', '%d+') do
      if not placed and tonumber(other) > tonumber(number) then
        line[#line + 1], placed = number, true
      end
      line[#line + 1] = other
    end
    if not placed then line[#line + 1] = number end
    if line[1] == number then redis.call('HDEL', KEYS[3], lane) end
    redis.call('HSET', KEYS[1], lane, table.concat(line, ' '))
    redis.call('ZADD', KEYS[2], now, lane)
    redis.call('HDEL', KEYS[5], number)
    redis.call('ZREM', KEYS[4], number)
    back = back + 1
  end
end
redis.call('HINCRBY', KEYS[6], 'queued', back)
redis.call('HDEL', KEYS[6], 'held')
for _, lane in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. now, '+inf')) do
  redis.call('ZADD', KEYS[2], now, lane)
end
return back
