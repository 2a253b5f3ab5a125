-- wrk: repeats one kind of read, for participants scattered over the whole store.
-- The requests are prepared in advance, since the CPU time that wrk uses is not available to the service.
--
-- Arguments: read, the kind of read (below); known, the number of participants in the store
dofile('bench/wrk.lua')

local function lookup(n, known, count)
  local ids = {}
  for i = 1, count do
    ids[i] = '"' .. participantId(scattered(n * count + i, known)) .. '"'
  end
  local headers = { ['Content-Type'] = 'application/json' }
  local body = '{"participantIds":[' .. table.concat(ids, ',') .. ']}'
  return wrk.format('POST', '/v1/participants/lookup', headers, body)
end

local READS = {
  one = function(n, known)
    return wrk.format('GET', '/v1/participants/' .. participantId(scattered(n, known)))
  end,
  list = function()
    return wrk.format('GET', '/v1/participants?limit=100')
  end,
  lookup100 = function(n, known)
    return lookup(n, known, 100)
  end,
  lookup1000 = function(n, known)
    return lookup(n, known, 1000)
  end,
  waiting = function()
    local filter = 'tag=hello-world-phone-0&availability=available&order=longest-available'
    return wrk.format('GET', '/v1/participants?' .. filter .. '&limit=3')
  end,
  occupancy = function()
    return wrk.format('GET', '/v1/occupancy')
  end,
}
local DIFFERENT = { one = 10000, lookup100 = 100, lookup1000 = 20 }
local requests, sent = {}, 0

function init(args)
  local plan = named(args)
  for n = 1, DIFFERENT[plan.read] or 1 do
    requests[n] = READS[plan.read](n, plan.known)
  end
  ready()
end

function request()
  sent = sent + 1
  return requests[sent % #requests + 1]
end
