-- Ends a lease that is held with a token.
-- One script, so that a lease that somebody else has taken meanwhile is left alone.
--
-- KEYS: [1] lease
-- ARGV: [1] token
-- Returns: whether it was held with the token, as 1 or 0
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
