-- Drops the oldest changes of one shard that are over a limit, as far as one look at them shows.
--
-- KEYS: [1] the change stream
-- ARGV: how old an entry may be in ms, how many bytes all of them may have, how many entries to look at
-- Returns: 1 when there may be more to drop, else 0
local stream = KEYS[1]
local retentionMs, maxBytes, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

-- An entry that commit.lua did not write has no count, and goes like the oldest of the others.
local function bytesUpTo(entry)
  return tonumber(entry[2][2]) or 0
end

local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
if not newest then return 0 end
local time = redis.call('TIME')
local oldestMs = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) - retentionMs
local leastBytes = bytesUpTo(newest) - maxBytes

local function isOver(entry)
  if entry[1] == newest[1] then return false end
  return tonumber(entry[1]:match('^%d+')) < oldestMs or bytesUpTo(entry) < leastBytes
end

-- The last of those over a limit stays: it is the place of a reader who has missed nothing that is held.
if not isOver(redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]) then return 0 end
local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', limit)
local over = 0
while over < #oldest and isOver(oldest[over + 1]) do over = over + 1 end
if over > 1 then redis.call('XTRIM', stream, 'MINID', '=', oldest[over][1]) end
return over == limit and 1 or 0
