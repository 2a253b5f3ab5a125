-- Reads the tags after a cursor, with their counts, from one shard.
-- One script, so that the counts and the end of the feed are from the same moment.
--
-- KEYS: [1] epoch, [2] change stream, [3] sources, then for each source: the set of its tags, the prefix of the sets of a tag
-- ARGV: [1] new epoch, used if there is none, [2] the last tag of the previous page ('' for the first page), [3] limit
-- Returns: the epoch, the id of the newest entry, the number of sources, then for each source a flat array:
--          tag, connected, reconnecting, devices beyond the first, present without a device, available, busy, …
-- The keys of the sets are built from the prefix and the tags; they are in the same slot.
local after, limit = ARGV[2], ARGV[3]
local epoch, newest = endOfFeed(KEYS[1], KEYS[2], ARGV[1])
local from = after == '' and '-' or '(' .. after

local reply = { epoch, newest[1], #redis.call('SMEMBERS', KEYS[3]) }
for i = 4, #KEYS, 2 do
  local counts = {}
  for _, tag in ipairs(redis.call('ZRANGE', KEYS[i], from, '+', 'BYLEX', 'LIMIT', 0, limit)) do
    counts[#counts + 1] = tag
    for _, set in ipairs({ 'connected', 'reconnecting', 'more', 'none', 'available', 'busy' }) do
      counts[#counts + 1] = redis.call('ZCARD', KEYS[i + 1] .. tag .. ':' .. set)
    end
  end
  reply[#reply + 1] = counts
end
return reply
