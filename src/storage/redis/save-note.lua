-- Replaces the note beside a lease that is held with a token.
-- One script, so that a process that has lost the lease cannot overwrite what its successor wrote.
--
-- KEYS: [1] lease, [2] its note
-- ARGV: [1] token, [2] text
-- Returns: whether it is held with the token, as 1 or 0
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
return 1
