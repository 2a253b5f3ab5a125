-- Counts who is present under each of the tags that follow a cursor, in one shard.
-- One script, so that the counts of a tag are of one moment.
--
-- KEYS: [1] the set of tags, [2] what the keys of a tag's sets begin with
-- ARGV: the tag to go on after ('' for the beginning), how many at the most
-- Returns: a flat array: tag, connected, reconnecting, devices beyond the first, present without a device, …
-- The keys of the sets are made here, of KEYS[2] and the tags just read; they share its slot.
local after, limit = ARGV[1], ARGV[2]
local from = after == '' and '-' or '(' .. after

local counts = {}
for _, tag in ipairs(redis.call('ZRANGE', KEYS[1], from, '+', 'BYLEX', 'LIMIT', 0, limit)) do
  counts[#counts + 1] = tag
  for _, set in ipairs({ 'connected', 'reconnecting', 'more', 'none' }) do
    counts[#counts + 1] = redis.call('ZCARD', KEYS[2] .. tag .. ':' .. set)
  end
end
return counts
