-- KEYS: [1] the epoch, [2] the change stream
-- ARGV: [1] an epoch, if a new one is needed
-- Returns: the epoch, the id of the newest entry
local epoch, newest = endOfFeed(KEYS[1], KEYS[2], ARGV[1])
return { epoch, newest[1] }
