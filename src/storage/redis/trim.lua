-- Drops the oldest changes of one shard that are over a limit, some of them in each call.
-- Redis does nothing else meanwhile, so the work of a call is bounded. Reading an entry takes its changes along: where those
-- over a limit end is found by halving, which reads some 50 entries however many are over.
--
-- KEYS: [1] the change stream
-- ARGV: how old an entry may be in ms, how many bytes all of them may have, how many entries to drop at once
-- Returns: 1 when there may be more to drop, else 0
local stream = KEYS[1]
local retentionMs, maxBytes, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]

local function newestUpTo(id)
  return redis.call('XREVRANGE', stream, id, '-', 'COUNT', 1)[1]
end

local function oldestFrom(id)
  return redis.call('XRANGE', stream, id, '+', 'COUNT', 1)[1]
end

local function msOf(entry)
  return tonumber(entry[1]:match('^%d+'))
end

local function sequenceOf(entry)
  return tonumber(entry[1]:match('%d+$'))
end

-- nil: commit.lua did not write it.
local function bytesUpTo(entry)
  return tonumber(entry[2][2])
end

-- The greatest number up to `high` for which `holds` is true, which it is for `low` and for all up to some number.
local function greatest(low, high, holds)
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if holds(middle) then low = middle else high = middle - 1 end
  end
  return low
end

-- The newest entry that is over the limit of bytes; nil: none is.
local function newestOverBytes(oldest, newest)
  local leastBytes = (bytesUpTo(newest) or 0) - maxBytes
  -- An entry without a count goes like the oldest of the others.
  if (bytesUpTo(oldest) or -1) >= leastBytes then return nil end
  local found
  local function isOver(id)
    local entry = newestUpTo(id)
    local isOverLimit = entry and bytesUpTo(entry) and bytesUpTo(entry) < leastBytes
    if isOverLimit then found = entry end
    return isOverLimit
  end
  local ms = greatest(msOf(oldest) - 1, msOf(newest), function(number) return isOver(string.format('%.0f', number)) end)
  -- Of those of the next millisecond only some are over: all that one script appends has one time.
  local next = oldestFrom(string.format('%.0f', ms + 1))
  local last = newestUpTo(string.format('%.0f', msOf(next)))
  greatest(sequenceOf(next) - 1, sequenceOf(last), function(number)
    return isOver(string.format('%.0f-%.0f', msOf(next), number))
  end)
  return found
end

local newest = newestUpTo('+')
if not newest then return 0 end
local time = redis.call('TIME')
local oldestMs = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) - retentionMs
-- The newest entry is never over a limit. The last of those that are stays, too: it is the place of a reader who has missed
-- nothing that is held.
local kept = { newestUpTo(msOf(newest) < oldestMs and '(' .. newest[1] or string.format('%.0f', oldestMs - 1)) }
kept[#kept + 1] = newestOverBytes(oldestFrom('-'), newest)

-- First whole nodes of the stream, which is quick; then, entry by entry, what is left of the last node.
local dropped = 0
for _, entry in ipairs(kept) do
  dropped = dropped + redis.call('XTRIM', stream, 'MINID', '~', entry[1], 'LIMIT', limit)
end
if dropped > 0 then return 1 end
for _, entry in ipairs(kept) do redis.call('XTRIM', stream, 'MINID', '=', entry[1]) end
return 0
