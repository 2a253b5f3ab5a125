-- Replaces a webhook setting unless it has changed.
-- One script, so that of several that replace the same text only one succeeds, and so that the revision grows with each change.
--
-- KEYS: [1] ids of all settings, [2] the text, [3] revision
-- ARGV: [1] id, [2] the text as read ('' for none), [3] the new text ('' to remove it)
-- Returns: 1, or 0 if the text has changed
local id, before, after = ARGV[1], ARGV[2], ARGV[3]
if (redis.call('GET', KEYS[2]) or '') ~= before then return 0 end
if after == '' then
  redis.call('SREM', KEYS[1], id)
  redis.call('DEL', KEYS[2])
else
  redis.call('SADD', KEYS[1], id)
  redis.call('SET', KEYS[2], after)
end
redis.call('INCR', KEYS[3])
return 1
