-- Deletes a destination and all that waits for it, if the condition holds.
-- KEYS document, then what goes with it   ARGV conditions as in put_destination.lua
-- returns deleted, missing or changed
local stored = redis.call('HGET', KEYS[1], 'tag')
local holds = not ((ARGV[1] == '1' and not stored) or (ARGV[2] == '1' and stored))
if #ARGV > 2 then
  local named = false
  for i = 3, #ARGV do named = named or ARGV[i] == stored end
  holds = holds and named
end
if not holds then return 'changed' end
if not stored then return 'missing' end
redis.call('DEL', unpack(KEYS))
return 'deleted'
