-- Removes a participant whose record is gone from the indexes, for some of the tags per call. Its tag is not known without the
-- record, so it is removed from the sets of every tag of its source.
-- One script, so that the record cannot be stored again meanwhile. Between calls it cannot either: commit.lua stores no new
-- record of a participant that has a deadline, which is removed last.
--
-- KEYS: [1] record, [2] participants by deadline, [3] tags of the source, [4] prefix of the sets of a tag, then the prefixes of
--       the sets of other groups
-- ARGV: [1] participant, [2] the last tag of the previous call ('' for the first one), [3] maximum tags
-- Returns: 'more' and the last tag; or 'removed', or 'kept' if it has a record or had no deadline
-- The keys of the sets are built from the prefixes, the tags and the names; they are in the same slot.
local participant, after, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
-- Unlike GET, MGET does not fail on a key of another type, which the next commit overwrites.
if redis.call('MGET', KEYS[1])[1] then return { 'kept' } end

-- Returns whether it was in one of the sets.
local function removeFrom(sets)
  local removed = 0
  for _, state in ipairs({ 'connected', 'reconnecting', 'gone' }) do
    removed = removed + redis.call('ZREM', sets .. state, participant)
  end
  if removed == 0 then return false end
  for _, set in ipairs({ 'none', 'available', 'busy' }) do redis.call('ZREM', sets .. set, participant) end
  local device = 2
  while redis.call('ZREM', sets .. 'more', device .. ':' .. participant) == 1 do device = device + 1 end
  return true
end

local tags = redis.call('ZRANGE', KEYS[3], after == '' and '-' or '(' .. after, '+', 'BYLEX', 'LIMIT', 0, limit)
for _, tag in ipairs(tags) do
  local sets = KEYS[4] .. tag .. ':'
  local isRemoved = removeFrom(sets)
  if isRemoved and redis.call('ZCARD', sets .. 'connected') + redis.call('ZCARD', sets .. 'reconnecting') == 0 then
    redis.call('ZREM', KEYS[3], tag)
  end
end
if #tags == limit then return { 'more', tags[limit] } end
for n = 5, #KEYS do removeFrom(KEYS[n]) end
return { redis.call('ZREM', KEYS[2], participant) == 1 and 'removed' or 'kept' }
