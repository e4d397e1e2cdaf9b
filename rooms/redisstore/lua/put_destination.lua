-- Puts a destination, if the condition holds for what is stored (RFC 9110
-- §13.1). One that is new gets its place in the feed.
-- KEYS document, place   ARGV place, new tag, document, 1: only if there is one,
--      1: only if there is none, then the tags of which one must be stored
-- returns {1, 1 if it is new} or {0}
local stored = redis.call('HGET', KEYS[1], 'tag')
local holds = not ((ARGV[4] == '1' and not stored) or (ARGV[5] == '1' and stored))
if #ARGV > 5 then
  local named = false
  for i = 6, #ARGV do named = named or ARGV[i] == stored end
  holds = holds and named
end
if not holds then return {0} end
if not stored then redis.call('SET', KEYS[2], ARGV[1]) end
redis.call('HSET', KEYS[1], 'tag', ARGV[2], 'doc', ARGV[3])
return {1, stored and 0 or 1}
