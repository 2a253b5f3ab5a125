-- Stores changesets of one shard: all of them or, if the record of any is no longer the one it was made from, none.
-- One script, because record, index entries and announced changes must never be seen apart. It does not sort out which
-- of them may be stored. Its caller does, and asks again: hardly ever, whereas a script that could do with any part of
-- what it is given would take twice as long each time.
--
-- KEYS: [1] the epoch, [2] the change stream, then the record of each changeset, then the indexes, which ARGV names by
--       their place
-- ARGV: [1] an epoch, if a new one is needed
--       how many changesets, of each the record expected ('' for none), of each the record to store ('' to forget it)
--       how many entries of the feed, and each
--       how many commands, for each: its name, the index, how many arguments, and each
--       then for each tag to recount: the set of tags, tag, index of those connected, of those reconnecting, how many came
--       to either
-- Returns: the changesets that another was faster with, by their numbers from 1 on; none: all are stored
local stream = KEYS[2]
local BEFORE_RECORDS = 2
local position = 1

local function take()
  position = position + 1
  return ARGV[position]
end

local function takeSeveral(count)
  position = position + count
  return unpack(ARGV, position - count + 1, position)
end

-- From the sizes of its sets, so that no count can ever drift. With more in them than came now, somebody was there before.
local function recount(tags, tag, connected, reconnecting, came)
  local present = redis.call('ZCARD', connected)
  if present <= came then present = present + redis.call('ZCARD', reconnecting) end
  if present == 0 then
    redis.call('ZREM', tags, tag)
  elseif present <= came then
    redis.call('ZADD', tags, 0, tag)
  end
end

local _, newest = endOfFeed(KEYS[1], stream, ARGV[1])
local count = tonumber(take())
local records = redis.call('MGET', unpack(KEYS, BEFORE_RECORDS + 1, BEFORE_RECORDS + count))
local conflicts = {}
for n = 1, count do
  if (records[n] or '') ~= take() then conflicts[#conflicts + 1] = n end
end
if #conflicts > 0 then return conflicts end

local stored = {}
for n = BEFORE_RECORDS + 1, BEFORE_RECORDS + count do
  local record = take()
  if record == '' then
    redis.call('DEL', KEYS[n])
  else
    stored[#stored + 1] = KEYS[n]
    stored[#stored + 1] = record
  end
end
if #stored > 0 then redis.call('MSET', unpack(stored)) end

-- An entry that was not written here is no reason to refuse all that come after it.
local bytes = tonumber(newest[2][2]) or 0
for _ = 1, tonumber(take()) do
  local changes = take()
  bytes = bytes + #changes
  redis.call('XADD', stream, '*', 'n', bytes, 'c', changes)
end
for _ = 1, tonumber(take()) do redis.call(take(), KEYS[tonumber(take())], takeSeveral(tonumber(take()))) end
while position < #ARGV do
  recount(KEYS[tonumber(take())], take(), KEYS[tonumber(take())], KEYS[tonumber(take())], tonumber(take()))
end
return conflicts
