-- Stores how far the deliveries to endpoints have got, if a lease is held with a token.
-- One script, so that a process that has lost the lease changes nothing, and so that a message is either in the state or among
-- the dead letters, never in neither.
--
-- KEYS: [1] lease, [2] ids of all endpoints with a state, then of each endpoint: state, attempts, dead letters
-- ARGV: [1] token, then for the attempts and for the dead letters: maximum number, every older id sorts before this text
--       then of each endpoint: id, state, and for both logs: number of new records, each as id, space and text
-- Returns: whether it was stored, as 1 or 0
local LOGS, MAX_DROPPED = 2, 1000
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local position = 1

local function take()
  position = position + 1
  return ARGV[position]
end

local limits = {}
for log = 1, LOGS do limits[log] = { count = tonumber(take()), oldest = take() } end

local function drop(key, records)
  if #records > 0 then redis.call('ZREM', key, unpack(records)) end
end

for first = 3, #KEYS, 1 + LOGS do
  redis.call('SADD', KEYS[2], take())
  redis.call('SET', KEYS[first], take())
  for log = 1, LOGS do
    local key, limit = KEYS[first + log], limits[log]
    for _ = 1, tonumber(take()) do redis.call('ZADD', key, 0, take()) end
    local excess = math.min(redis.call('ZCARD', key) - limit.count, MAX_DROPPED)
    if excess > 0 then drop(key, redis.call('ZRANGE', key, 0, excess - 1)) end
    drop(key, redis.call('ZRANGE', key, '-', '(' .. limit.oldest, 'BYLEX', 'LIMIT', 0, MAX_DROPPED))
  end
end
return 1
