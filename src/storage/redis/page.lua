-- Reads the participants that follow a cursor in one or more indexes of one shard, each with its record.
-- One script, so that the records are those that the indexes speak of, and the end of the feed is of that moment.
--
-- KEYS: [1] the epoch, [2] the change stream, [3] what a participant's record key begins with, then the indexes
-- ARGV: an epoch, if a new one is needed, score and member of the cursor (both '' for the beginning),
--       how many of each index at the most
-- Returns: the epoch, the id of the newest entry, then for each index a flat array: member, score, record, …
-- The record keys are made here, of KEYS[3] and the members just read; they share its slot.
local afterScore, afterMember, limit = ARGV[2], ARGV[3], tonumber(ARGV[4])
local epoch, newest = endOfFeed(KEYS[1], KEYS[2], ARGV[1])

-- Lua's own comparison of strings follows the server's locale; a sorted set's is that of bytes.
local function isAfterCursor(member)
  for i = 1, math.min(#member, #afterMember) do
    local a, b = member:byte(i), afterMember:byte(i)
    if a ~= b then return a > b end
  end
  return #member > #afterMember
end

-- Halving, since any number of members may share the cursor's score.
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

local answer = { epoch, newest[1] }
for i = 4, #KEYS do
  local first = firstRankAfterCursor(KEYS[i])
  local found = redis.call('ZRANGE', KEYS[i], first, first + limit - 1, 'WITHSCORES')
  local page = {}
  local recordKeys = {}
  for j = 1, #found, 2 do recordKeys[#recordKeys + 1] = KEYS[3] .. found[j] end
  -- Unlike GET it does not fail, and the page with it, for a key that holds something else.
  local records = #recordKeys > 0 and redis.call('MGET', unpack(recordKeys)) or {}
  for n, record in ipairs(records) do
    page[#page + 1] = found[2 * n - 1]
    page[#page + 1] = found[2 * n]
    page[#page + 1] = record or ''
  end
  answer[#answer + 1] = page
end
return answer
