-- Deletes a session's document, unless the session has evidence or the
-- condition does not hold.
-- KEYS document, heads   ARGV 1: only if there is one, 1: only if there is none, tags as in put.lua
-- returns deleted, missing, evidence or changed
local stored = redis.call('HGET', KEYS[1], 'tag')
local holds = not ((ARGV[1] == '1' and not stored) or (ARGV[2] == '1' and stored))
if #ARGV > 2 then
  local named = false
  for i = 3, #ARGV do named = named or ARGV[i] == stored end
  holds = holds and named
end
if not holds then return 'changed' end
if not stored then return 'missing' end
if redis.call('EXISTS', KEYS[2]) == 1 then return 'evidence' end
redis.call('DEL', KEYS[1])
return 'deleted'
