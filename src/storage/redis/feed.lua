-- Prepended to every script that reads or moves the end of the feed.
-- The feed of a shard is a stream that always has an entry, and an epoch that identifies its data. If either is missing, the
-- data was lost or never existed: both start over, so that no earlier position is valid any more.

-- Returns: the epoch, and the newest entry as { id, { 'n', total bytes of all changes so far, 'c', changes } }
local function endOfFeed(epochKey, stream, newEpoch)
  local epoch = redis.call('GET', epochKey)
  local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  if epoch and newest then return epoch, newest end
  redis.call('SET', epochKey, newEpoch)
  redis.call('DEL', stream)
  local id = redis.call('XADD', stream, '*', 'n', 0, 'c', '')
  return newEpoch, { id, { 'n', '0', 'c', '' } }
end
