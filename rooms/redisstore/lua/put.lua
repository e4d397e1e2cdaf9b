-- Puts a document, if the condition holds for what is stored (RFC 9110 §13.1).
-- KEYS document   ARGV new tag, document, 1: only if there is one, 1: only if there is none,
--      then the tags of which one must be stored
-- returns {1, 1 if it is new} or {0}
local stored = redis.call('HGET', KEYS[1], 'tag')
local holds = not ((ARGV[3] == '1' and not stored) or (ARGV[4] == '1' and stored))
if #ARGV > 4 then
  local named = false
  for i = 5, #ARGV do named = named or ARGV[i] == stored end
  holds = holds and named
end
if not holds then return {0} end
redis.call('HSET', KEYS[1], 'tag', ARGV[1], 'doc', ARGV[2])
return {1, stored and 0 or 1}
