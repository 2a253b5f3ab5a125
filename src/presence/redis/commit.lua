-- Stores changesets of one shard, each only if its record is still the one it was made from.
-- One script, because record, index entries and announced changes must never be seen apart. What all of them do to one
-- key is done to it at once: the commands of a script take longer than its logic.
--
-- KEYS: [1] the set of tags, [2] the epoch, [3] the change stream, then the record of each changeset, then the indexes,
--       which ARGV names by their place
-- ARGV: [1] an epoch, if a new one is needed
--       how many changesets, then for each: record expected ('' for none), record to store ('' to forget it),
--         what it announces ('' for nothing), the participant, its moves in one text: index and score to add it
--         with, or index and - to remove it; how many moves of other members, for each: index, score or -, member
--       then for each tag to recount: tag, index of those connected, index of those reconnecting
-- Returns: for each changeset 1, or 0 when another was faster and nothing was done
local tags, stream = KEYS[1], KEYS[3]
local FIRST_RECORD = 4
-- Lua passes no more than 8,000 arguments. Even, since some come in pairs.
local MOST_ARGUMENTS = 4000
local _, newest = endOfFeed(KEYS[2], stream, ARGV[1])
local bytes = tonumber(newest[2][2])
local position = 1

local function take()
  position = position + 1
  return ARGV[position]
end

local function callWithAll(values, command, ...)
  for first = 1, #values, MOST_ARGUMENTS do
    local arguments = { ... }
    for i = first, math.min(first + MOST_ARGUMENTS - 1, #values) do arguments[#arguments + 1] = values[i] end
    redis.call(command, unpack(arguments))
  end
end

-- From the sizes of its sets, so that no count can ever drift.
local function recount(tag, connected, reconnecting)
  if redis.call('ZCARD', connected) + redis.call('ZCARD', reconnecting) > 0 then
    redis.call('ZADD', tags, 0, tag)
  else
    redis.call('ZREM', tags, tag)
  end
end

local stored, forgotten, added, removed = {}, {}, {}, {}

local function append(lists, place, ...)
  local list = lists[place]
  if not list then
    list = {}
    lists[place] = list
  end
  for _, value in ipairs({ ... }) do list[#list + 1] = value end
end

local function move(place, member, score)
  if score == '-' then append(removed, place, member) else append(added, place, score, member) end
end

local function store(key, record)
  if record == '' then forgotten[#forgotten + 1] = key else append(stored, 1, key, record) end
end

local entries, outcomes = {}, {}
for n = FIRST_RECORD, FIRST_RECORD + tonumber(take()) - 1 do
  local expected, record, changes, participant = take(), take(), take(), take()
  local isOurs = (redis.call('GET', KEYS[n]) or '') == expected
  if isOurs then store(KEYS[n], record) end
  if isOurs and changes ~= '' then entries[#entries + 1] = changes end
  for place, score in take():gmatch('(%d+) (%S+)') do
    if isOurs then move(place, participant, score) end
  end
  for _ = 1, tonumber(take()) do
    local place, score, member = take(), take(), take()
    if isOurs then move(place, member, score) end
  end
  outcomes[#outcomes + 1] = isOurs and 1 or 0
end

callWithAll(stored[1] or {}, 'MSET')
callWithAll(forgotten, 'DEL')
for place, members in pairs(removed) do callWithAll(members, 'ZREM', KEYS[tonumber(place)]) end
for place, members in pairs(added) do callWithAll(members, 'ZADD', KEYS[tonumber(place)]) end
while position < #ARGV do recount(take(), KEYS[tonumber(take())], KEYS[tonumber(take())]) end
for _, changes in ipairs(entries) do
  bytes = bytes + #changes
  redis.call('XADD', stream, '*', 'n', bytes, 'c', changes)
end
return outcomes
