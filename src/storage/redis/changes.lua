-- Reads the entries of one shard from a place on, up to a limit of entries and one of bytes.
-- One script, so that the entries are those of that epoch, and so that no more is read than the limit of bytes asks for:
-- how large entries are is known only when they are read.
--
-- KEYS: [1] the epoch, [2] the change stream
-- ARGV: the id of the place's own entry, which counts for neither limit, how many entries, after how many bytes to stop
-- Returns: the epoch (false: there is none), then a flat array: id, changes, … The place's own entry comes first, if it is held
local CHUNK = 8
local from, limit, maxBytes = ARGV[1], tonumber(ARGV[2]) + 1, tonumber(ARGV[3])

local answer = { redis.call('GET', KEYS[1]) }
local bytes, count = 0, 0
while count < limit and bytes < maxBytes do
  local entries = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', math.min(CHUNK, limit - count))
  if #entries == 0 then break end
  for _, entry in ipairs(entries) do
    if bytes >= maxBytes then break end
    -- Not there: another program wrote it.
    local changes = entry[2][4] or ''
    answer[#answer + 1] = entry[1]
    answer[#answer + 1] = changes
    if entry[1] ~= ARGV[1] then bytes = bytes + #changes end
    count = count + 1
    from = '(' .. entry[1]
  end
end
return answer
