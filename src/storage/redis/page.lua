-- Reads the participants after a cursor from one or more indexes of one shard, with their records.
-- One script, so that indexes, records and the end of the feed are from the same moment.
--
-- KEYS: [1] epoch, [2] change stream, [3] prefix of the record keys, [4] sources, then the indexes
-- ARGV: [1] new epoch, used if there is none, [2] score and [3] member of the cursor (both '' for the first page), [4] limit
--       per index
-- Returns: the epoch, the id of the newest entry, the number of sources, then for each index a flat array: member, score, record, …
-- Record keys are built from KEYS[3] and the members; they are in the same slot.
local afterScore, afterMember, limit = ARGV[2], ARGV[3], tonumber(ARGV[4])
local epoch, newest = endOfFeed(KEYS[1], KEYS[2], ARGV[1])

-- Lua compares strings by the server's locale; sorted sets compare bytes.
local function isAfterCursor(member)
  for i = 1, math.min(#member, #afterMember) do
    local a, b = member:byte(i), afterMember:byte(i)
    if a ~= b then return a > b end
  end
  return #member > #afterMember
end

-- Binary search, because any number of members may share the cursor's score.
local function firstRankAfterCursor(index)
  if afterScore == '' then return 0 end
  local low = redis.call('ZCOUNT', index, '-inf', '(' .. afterScore)
  local high = redis.call('ZCOUNT', index, '-inf', afterScore)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if isAfterCursor(redis.call('ZRANGE', index, middle, middle)[1]) then high = middle else low = middle + 1 end
  end
  return low
end

local reply = { epoch, newest[1], #redis.call('SMEMBERS', KEYS[4]) }
for i = 5, #KEYS do
  local first = firstRankAfterCursor(KEYS[i])
  local found = redis.call('ZRANGE', KEYS[i], first, first + limit - 1, 'WITHSCORES')
  local page = {}
  local recordKeys = {}
  for j = 1, #found, 2 do recordKeys[#recordKeys + 1] = KEYS[3] .. found[j] end
  -- Unlike GET, MGET does not fail on a key of another type, which would fail the whole page.
  local records = #recordKeys > 0 and redis.call('MGET', unpack(recordKeys)) or {}
  for n, record in ipairs(records) do
    page[#page + 1] = found[2 * n - 1]
    page[#page + 1] = found[2 * n]
    page[#page + 1] = record or ''
  end
  reply[#reply + 1] = page
end
return reply
