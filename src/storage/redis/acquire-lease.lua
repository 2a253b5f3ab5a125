-- Takes a lease unless it is held.
-- One script, so that tokens grow in the order in which the lease is taken.
--
-- KEYS: [1] lease, [2] counter of its tokens
-- ARGV: [1] time to live in milliseconds
-- Returns: the token, or 0 if the lease is held
if redis.call('GET', KEYS[1]) then return 0 end
local token = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], token, 'PX', ARGV[1])
return token
