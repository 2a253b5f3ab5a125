-- Stores changesets of one shard: all of them or, if any record has changed since it was loaded, none.
-- One script, so that records, index entries and announced changes become visible together. On conflicts, which are rare, the
-- caller retries without the changesets in conflict: a script that stores only some of them would take twice as long each time.
--
-- KEYS: [1] epoch, [2] change stream, [3] participants by deadline, [4] indexed labels, then the record of each changeset, then the
--       indexes; ARGV refers to keys by number
-- ARGV: [1] new epoch, used if there is none, [2] the indexed labels for which the commands below were made ('' for none)
--       number of changesets, the expected record of each ('' for none)
--       number of new participants, each of them
--       the record to store of each changeset ('' to delete it)
--       number of feed entries, each entry
--       number of commands, for each: name, key, number of arguments, arguments
--       then for each tag or label to recount: key of the set of names, name, keys of its connected and reconnecting sets, number
--       of members added to them
-- Returns: an empty array if all were stored; the indexed labels, if they are others; else the numbers of the changesets in
--          conflict, from 1, and the new participants that the indexes still contain, because their record was lost:
--          index-repair.ts must remove them first
local stream, deadlines = KEYS[2], KEYS[3]
local BEFORE_RECORDS = 4
local position = 2

local function take()
  position = position + 1
  return ARGV[position]
end

local function takeSeveral(count)
  position = position + count
  return unpack(ARGV, position - count + 1, position)
end

-- Derived from the sizes of the sets, so that it cannot drift. If they have more members than were added, the name is already
-- in the set of names.
local function recount(names, name, connected, reconnecting, added)
  local present = redis.call('ZCARD', connected)
  if present <= added then present = present + redis.call('ZCARD', reconnecting) end
  if present == 0 then
    redis.call('ZREM', names, name)
  elseif present <= added then
    redis.call('ZADD', names, 0, name)
  end
end

local labels = redis.call('GET', KEYS[4]) or ''
if labels ~= ARGV[2] then return labels end

local _, newest = endOfFeed(KEYS[1], stream, ARGV[1])
local count = tonumber(take())
local records = redis.call('MGET', unpack(KEYS, BEFORE_RECORDS + 1, BEFORE_RECORDS + count))
local conflicts = {}
for n = 1, count do
  if (records[n] or '') ~= take() then conflicts[#conflicts + 1] = n end
end
if #conflicts > 0 then return { conflicts, {} } end

local lost = {}
local newCount = tonumber(take())
if newCount > 0 then
  local new = { takeSeveral(newCount) }
  for n, deadline in ipairs(redis.call('ZMSCORE', deadlines, unpack(new))) do
    if deadline then lost[#lost + 1] = new[n] end
  end
end
if #lost > 0 then return { {}, lost } end

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

-- 0 if another program wrote the entry: it must not make all later commits fail.
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
return {}
