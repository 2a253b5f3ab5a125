-- Finds the position in the feed of one shard at a time. One script, so that the entry belongs to the epoch.
--
-- KEYS: [1] epoch, [2] change stream
-- ARGV: [1] new epoch, used if there is none, [2] time in ms
-- Returns: the epoch, the id of the newest entry of this time or earlier, or of the oldest one that is kept
local epoch = endOfFeed(KEYS[1], KEYS[2], ARGV[1])
local entry = redis.call('XREVRANGE', KEYS[2], ARGV[2], '-', 'COUNT', 1)[1]
  or redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
return { epoch, entry[1] }
