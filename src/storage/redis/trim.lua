-- Drops the oldest entries of one shard that exceed a limit, a bounded number per call, because the script blocks Redis.
-- Reading an entry includes its changes, so the newest entry to drop is found by binary search: about 50 reads, however many
-- entries exceed the limit.
--
-- KEYS: [1] change stream
-- ARGV: [1] maximum age in ms, [2] maximum total bytes, [3] maximum entries to drop
-- Returns: 1 if there may be more to drop, else 0
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

-- nil if another program wrote the entry.
local function bytesUpTo(entry)
  return tonumber(entry[2][2])
end

-- Binary search: the greatest number in low..high for which `holds`, which must be true for `low` and monotonic.
local function greatest(low, high, holds)
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if holds(middle) then low = middle else high = middle - 1 end
  end
  return low
end

-- The newest entry that exceeds the limit of bytes, or nil.
local function newestOverBytes(oldest, newest)
  local leastBytes = (bytesUpTo(newest) or 0) - maxBytes
  -- An entry without a byte count is treated as the oldest.
  if (bytesUpTo(oldest) or -1) >= leastBytes then return nil end
  local found
  local function isOver(id)
    local entry = newestUpTo(id)
    local isOverLimit = entry and bytesUpTo(entry) and bytesUpTo(entry) < leastBytes
    if isOverLimit then found = entry end
    return isOverLimit
  end
  local ms = greatest(msOf(oldest) - 1, msOf(newest), function(number) return isOver(string.format('%.0f', number)) end)
  -- All entries that one script appends share a millisecond: some of the next millisecond may exceed the limit, too.
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
-- The newest entry is never dropped. The newest one that exceeds a limit stays as well: it is the position of a reader that
-- has not missed any of the entries kept.
local kept = { newestUpTo(msOf(newest) < oldestMs and '(' .. newest[1] or string.format('%.0f', oldestMs - 1)) }
kept[#kept + 1] = newestOverBytes(oldestFrom('-'), newest)

-- First whole nodes of the stream, which is fast; then the remaining entries of the last node.
local dropped = 0
for _, entry in ipairs(kept) do
  dropped = dropped + redis.call('XTRIM', stream, 'MINID', '~', entry[1], 'LIMIT', limit)
end
if dropped > 0 then return 1 end
for _, entry in ipairs(kept) do redis.call('XTRIM', stream, 'MINID', '=', entry[1]) end
return 0
