-- Reads the end of the feed of one shard. One script, so that the entry belongs to the epoch.
--
-- KEYS: [1] epoch, [2] change stream
-- ARGV: [1] new epoch, used if there is none
-- Returns: the epoch, the id of the newest entry
local epoch, newest = endOfFeed(KEYS[1], KEYS[2], ARGV[1])
return { epoch, newest[1] }
