-- Counts who is present under each of the tags that follow a cursor, in one shard.
-- One script, so that the counts of a tag, and the end of the feed, are of one moment.
--
-- KEYS: [1] the epoch, [2] the change stream, then for each source the set of its tags, and what the keys of their sets
--       begin with
-- ARGV: an epoch, if a new one is needed, the tag to go on after ('' for the beginning), how many at the most
-- Returns: the epoch, the id of the newest entry, then for each source a flat array:
--          tag, connected, reconnecting, devices beyond the first, present without a device, …
-- The keys of the sets are made here, of such a beginning and the tags just read; they share its slot.
local after, limit = ARGV[2], ARGV[3]
local epoch, newest = endOfFeed(KEYS[1], KEYS[2], ARGV[1])
local from = after == '' and '-' or '(' .. after

local answer = { epoch, newest[1] }
for i = 3, #KEYS, 2 do
  local counts = {}
  for _, tag in ipairs(redis.call('ZRANGE', KEYS[i], from, '+', 'BYLEX', 'LIMIT', 0, limit)) do
    counts[#counts + 1] = tag
    for _, set in ipairs({ 'connected', 'reconnecting', 'more', 'none' }) do
      counts[#counts + 1] = redis.call('ZCARD', KEYS[i + 1] .. tag .. ':' .. set)
    end
  end
  answer[#answer + 1] = counts
end
return answer
