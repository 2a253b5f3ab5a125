-- Claims participants of one shard that are due, by moving their deadlines to the end of the claim: nobody else finds them due
-- before then. The commit that follows sets their next deadlines; if it never comes, they are due again.
-- One script, so that of several processes only one gets each participant.
--
-- KEYS: [1] participants by deadline
-- ARGV: [1] now, [2] end of the claim, [3] how many to claim at most
-- Returns: the earliest participants, one more than the maximum, each followed by its deadline before the claim
local now, untilMs, maximum = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local earliest = redis.call('ZRANGE', KEYS[1], 0, maximum, 'WITHSCORES')
local claimed = {}
for n = 1, math.min(#earliest, 2 * maximum), 2 do
  if tonumber(earliest[n + 1]) > now then break end
  claimed[n] = untilMs
  claimed[n + 1] = earliest[n]
end
if #claimed > 0 then redis.call('ZADD', KEYS[1], unpack(claimed)) end
return earliest
