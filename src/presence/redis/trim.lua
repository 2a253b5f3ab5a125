-- Drops the oldest changes of one shard that are over a limit, as far as one look at them shows.
--
-- KEYS: [1] the change stream
-- ARGV: how old an entry may be in ms, how many bytes all of them may have, how many entries to look at
-- Returns: 1 when there may be more to drop, else 0
local stream = KEYS[1]
local retentionMs, maxBytes, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
if not newest then return 0 end
local time = redis.call('TIME')
local oldestMs = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) - retentionMs
local leastBytes = tonumber(newest[2][2]) - maxBytes

local function isOver(entry)
  if entry[1] == newest[1] then return false end
  return tonumber(entry[1]:match('^%d+')) < oldestMs or tonumber(entry[2][2]) < leastBytes
end

if not isOver(redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]) then return 0 end
local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', limit)
local dropped = 0
while dropped < #oldest - 1 and isOver(oldest[dropped + 1]) do dropped = dropped + 1 end
redis.call('XTRIM', stream, 'MINID', '=', oldest[dropped + 1][1])
return #oldest == limit and dropped == limit - 1 and 1 or 0
