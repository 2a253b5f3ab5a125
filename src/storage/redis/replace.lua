-- Replaces a value unless it has changed.
-- One script, so that of several processes that replace the same value, only one succeeds.
--
-- KEYS: [1] the value
-- ARGV: [1] the value as read ('' for none), [2] the new value
-- Returns: 1, or 0 if it has changed
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
