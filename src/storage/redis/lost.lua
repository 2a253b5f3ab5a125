-- Finds participants of one shard whose record is gone. One script, because a record may be read only as its index entry is.
--
-- KEYS: [1] participants by deadline, which has all of them, [2] prefix of the record keys
-- ARGV: [1] rank of the first participant to examine, [2] rank of the last one
-- Returns: how many were examined, then those without a record
-- Record keys are built from KEYS[2] and the members; they are in the same slot.
local members = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2])
local reply = { #members }
if #members == 0 then return reply end
local keys = {}
for n, member in ipairs(members) do keys[n] = KEYS[2] .. member end
for n, record in ipairs(redis.call('MGET', unpack(keys))) do
  if not record then reply[#reply + 1] = members[n] end
end
return reply
