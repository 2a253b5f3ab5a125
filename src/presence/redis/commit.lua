-- Stores changesets of one shard, each only if its record is still the one it was made from.
-- One script, because record, index entries and announced changes must never be seen apart.
--
-- KEYS: [1] the set of tags, [2] the epoch, [3] the change stream, then every other key, which ARGV names by its place
-- ARGV: [1] an epoch, if a new one is needed, then for each changeset
--         record key, record expected ('' for none), record to store ('' to forget it)
--         how many moves, then for each: index key, member, score to add it with or '' to remove it
--         how many tags to recount, then for each: tag, key of those connected, key of those reconnecting
--         what it announces, '' for nothing
-- Returns: for each changeset 1, or 0 when another was faster and nothing was done
local tags, stream = KEYS[1], KEYS[3]
local _, newest = endOfFeed(KEYS[2], stream, ARGV[1])
local bytes = tonumber(newest[2][2])
local position = 1

local function take()
  position = position + 1
  return ARGV[position]
end

local function takeKey()
  return KEYS[tonumber(take())]
end

local function storeRecord(key, record)
  if record == '' then redis.call('DEL', key) else redis.call('SET', key, record) end
end

local function move(key, member, score)
  if score == '' then redis.call('ZREM', key, member) else redis.call('ZADD', key, score, member) end
end

-- From the sizes of its sets, so that no count can ever drift.
local function recount(tag, connected, reconnecting)
  if redis.call('ZCARD', connected) + redis.call('ZCARD', reconnecting) > 0 then
    redis.call('ZADD', tags, 0, tag)
  else
    redis.call('ZREM', tags, tag)
  end
end

local function announce(changes)
  bytes = bytes + #changes
  redis.call('XADD', stream, '*', 'n', bytes, 'c', changes)
end

local outcomes = {}
while position < #ARGV do
  local key, expected, record = takeKey(), take(), take()
  local isOurs = (redis.call('GET', key) or '') == expected
  if isOurs then storeRecord(key, record) end
  for _ = 1, tonumber(take()) do
    local index, member, score = takeKey(), take(), take()
    if isOurs then move(index, member, score) end
  end
  for _ = 1, tonumber(take()) do
    local tag, connected, reconnecting = take(), takeKey(), takeKey()
    if isOurs then recount(tag, connected, reconnecting) end
  end
  local changes = take()
  if isOurs and changes ~= '' then announce(changes) end
  outcomes[#outcomes + 1] = isOurs and 1 or 0
end
return outcomes
