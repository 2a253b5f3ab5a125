-- Shared by the wrk scripts: parsing of arguments, the participants, and the results of a run, for wrk.mjs.
-- bench/participants.mjs has the same participants.

-- Arguments have the form name=value; numeric values become numbers.
function named(args)
  local values = {}
  for _, arg in ipairs(args) do
    local name, value = arg:match('^(%w+)=(.*)$')
    values[name] = tonumber(value) or value
  end
  return values
end

-- Must be called once the load may start.
function ready()
  io.write('ready\n')
  io.flush()
end

function participantId(n)
  return ('473f6544-92f7-4d67-9e77-bf25%08d'):format(n)
end

-- A permutation of `count` numbers in which neighbours are far apart, so that requests do not profit from memory locality.
function scattered(n, count)
  return n * 7919 % count
end

-- Prints the number of requests; in microseconds the duration, p50 and p99; then the responses other than 2xx, and the errors.
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  local figures = { summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed }
  io.write('figures ', table.concat(figures, ' '), '\n')
end
