-- Stores what was derived from the feed, if a lease is held with a token.
-- One script, so that a process that has lost the lease changes nothing, and so that an event is stored together with the state
-- after it: it is derived once.
--
-- KEYS: [1] lease, [2] state, [3] tags, [4] events
-- ARGV: [1] token, [2] state ('' for none), [3] maximum number of events, [4] time in milliseconds: earlier events are dropped,
--       [5] number of tags, then for each: tag, since when it is empty ('' to forget it), then for each event: number, text
--       An event begins with its number and its time, with a space after each.
-- Returns: whether it was stored, as 1 or 0
local MAX_DROPPED = 1000
local lease, state, tags, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local maxCount, oldestMs, tagCount = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
if redis.call('GET', lease) ~= ARGV[1] then return 0 end

if ARGV[2] == '' then redis.call('DEL', state) else redis.call('SET', state, ARGV[2]) end
local eventsFrom = 6 + 2 * tagCount
for i = 6, eventsFrom - 1, 2 do
  local tag, emptySince = ARGV[i], ARGV[i + 1]
  if emptySince == '' then redis.call('ZREM', tags, tag) else redis.call('ZADD', tags, emptySince, tag) end
end
for i = eventsFrom, #ARGV, 2 do redis.call('ZADD', events, ARGV[i], ARGV[i + 1]) end
if eventsFrom > #ARGV then return 1 end

-- The newest event is kept: its number says how many there were.
local count = redis.call('ZCARD', events)
local dropped = {}
for index, event in ipairs(redis.call('ZRANGE', events, 0, MAX_DROPPED - 1)) do
  local atMs = tonumber(string.match(event, '^%d+ (%d+) '))
  if index == count or (count - #dropped <= maxCount and atMs >= oldestMs) then break end
  dropped[#dropped + 1] = event
end
if #dropped > 0 then redis.call('ZREM', events, unpack(dropped)) end
return 1
