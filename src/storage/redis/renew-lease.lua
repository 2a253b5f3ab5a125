-- Extends a lease that is held with a token.
-- One script, so that a lease that somebody else has taken meanwhile is left alone.
--
-- KEYS: [1] lease
-- ARGV: [1] token, [2] time to live in milliseconds
-- Returns: whether it is held with the token, as 1 or 0
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
