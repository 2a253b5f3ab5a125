-- Removes a participant whose record is gone from the indexes, for some of the tags and labels per call. Its own are not known
-- without the record, so it is removed from the sets of all tags and labels of its source.
-- One script, so that the record cannot be stored again meanwhile. Between calls it cannot either: commit.lua stores no new
-- record of a participant that has a deadline, which is removed last.
--
-- KEYS: [1] record, [2] participants by deadline, [3] tags of the source, [4] prefix of the sets of a tag, [5] and [6] the same for
--       labels, then the prefixes of the sets of other groups
-- ARGV: [1] participant, [2] the last tag and [3] the last label of the previous call ('' for the first one), [4] maximum of each
-- Returns: 'more', the last tag and the last label; or 'removed', or 'kept' if it has a record or had no deadline
-- The keys of the sets are built from the prefixes, the tags or labels, and the names; they are in the same slot.
local participant, limit = ARGV[1], tonumber(ARGV[4])
-- Unlike GET, MGET does not fail on a key of another type, which the next commit overwrites.
if redis.call('MGET', KEYS[1])[1] then return { 'kept' } end

-- Returns whether it was in one of the sets.
local function removeFrom(sets)
  local removed = 0
  for _, state in ipairs({ 'connected', 'reconnecting', 'gone', 'expected' }) do
    removed = removed + redis.call('ZREM', sets .. state, participant)
  end
  if removed == 0 then return false end
  for _, set in ipairs({ 'none', 'available', 'busy' }) do redis.call('ZREM', sets .. set, participant) end
  local device = 2
  while redis.call('ZREM', sets .. 'more', device .. ':' .. participant) == 1 do device = device + 1 end
  return true
end

-- Returns the last name, and whether there are more.
local function removeFromAll(listed, prefix, after)
  local names = redis.call('ZRANGE', listed, after == '' and '-' or '(' .. after, '+', 'BYLEX', 'LIMIT', 0, limit)
  for _, name in ipairs(names) do
    local sets = prefix .. name .. ':'
    local isRemoved = removeFrom(sets)
    if isRemoved and redis.call('ZCARD', sets .. 'connected') + redis.call('ZCARD', sets .. 'reconnecting') == 0 then
      redis.call('ZREM', listed, name)
    end
  end
  return names[#names] or after, #names == limit
end

local lastTag, hasMoreTags = removeFromAll(KEYS[3], KEYS[4], ARGV[2])
local lastLabel, hasMoreLabels = removeFromAll(KEYS[5], KEYS[6], ARGV[3])
if hasMoreTags or hasMoreLabels then return { 'more', lastTag, lastLabel } end
for n = 7, #KEYS do removeFrom(KEYS[n]) end
return { redis.call('ZREM', KEYS[2], participant) == 1 and 'removed' or 'kept' }
