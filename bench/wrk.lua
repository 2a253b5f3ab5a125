-- What the scripts of wrk have in common: their arguments, who the participants are, and the figures of a run, for wrk.mjs.
-- bench/participants.mjs has the same participants.

-- Arguments are name=value; one that is a number is given as one.
function named(args)
  local values = {}
  for _, arg in ipairs(args) do
    local name, value = arg:match('^(%w+)=(.*)$')
    values[name] = tonumber(value) or value
  end
  return values
end

-- To be called when the load may begin.
function ready()
  io.write('ready\n')
  io.flush()
end

function participantId(n)
  return ('473f6544-92f7-4d67-9e77-bf25%08d'):format(n)
end

-- A walk over all of `count` that comes to neighbours late: what lies together in memory is not asked for together.
function scattered(n, count)
  return n * 7919 % count
end

-- Requests, then microseconds: how long it took, p50 and p99; then how many were answered with no 2xx, or not at all.
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  local figures = { summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed }
  io.write('figures ', table.concat(figures, ' '), '\n')
end
