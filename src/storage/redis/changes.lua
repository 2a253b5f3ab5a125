-- Reads the entries of one shard from a position on, up to a limit of entries and a limit of bytes.
-- One script, so that the entries belong to the epoch, and because the size of an entry is only known once it is read: the
-- script reads in chunks and stops at the limit of bytes.
--
-- KEYS: [1] epoch, [2] change stream
-- ARGV: [1] id of the position's own entry, which counts towards neither limit, [2] maximum entries, [3] bytes to stop at
-- Returns: the epoch (false if there is none), then a flat array: id, changes, … The position's own entry comes first if it
--          still exists
local CHUNK = 8
local from, limit, maxBytes = ARGV[1], tonumber(ARGV[2]) + 1, tonumber(ARGV[3])

local reply = { redis.call('GET', KEYS[1]) }
local bytes, count = 0, 0
while count < limit and bytes < maxBytes do
  local entries = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', math.min(CHUNK, limit - count))
  if #entries == 0 then break end
  for _, entry in ipairs(entries) do
    if bytes >= maxBytes then break end
    -- Missing if another program wrote the entry.
    local changes = entry[2][4] or ''
    reply[#reply + 1] = entry[1]
    reply[#reply + 1] = changes
    if entry[1] ~= ARGV[1] then bytes = bytes + #changes end
    count = count + 1
    from = '(' .. entry[1]
  end
end
return reply
