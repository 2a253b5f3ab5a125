-- wrk: callbacks of participants who come and go. Every callback is a different event, so each one must be stored.
-- The counter is per thread: wrk must be run with one thread.
--
-- Arguments: participants, their number; first, the number of the first one; apart, the distance between their numbers;
--   tags, the number of tags; devices, the number of successive devices of each; life, the events of each device (below);
--   sent, the number of callbacks that earlier runs sent; senders, the number of wrks that share the callbacks; sender, which
--   one of them this is
dofile('bench/wrk.lua')

local LIVES = {
  calls = { 'onConnect', 'onDisconnect', 'onConnect', 'onLeave' },
  -- For connected participants: each event moves one between indexes, and no grace period starts.
  moves = { 'onLeave', 'onConnect' },
  -- For page reloads: the next device is a different one.
  reloads = { 'onConnect', 'onLeave' },
}
local body = '{"event":"%s","timestamp":"%d","participantId":"%s",'
  .. '"deviceId":"be199214-1a03-402a-a7b6-d002470a%04d","tag":"hello-world-phone-%d"}'
-- Events are a millisecond apart, since real events have distinct times. They start an hour ago, so that none of millions is in
-- the future.
local beginMs = (os.time() - 3600) * 1000
local plan, life, sent

wrk.method = 'POST'
wrk.headers['Content-Type'] = 'application/json'

function init(args)
  plan = named(args)
  life, sent = LIVES[plan.life], plan.sent
  ready()
end

function request()
  local number = sent * plan.senders + plan.sender
  local n = plan.first + scattered(number, plan.participants) * plan.apart
  local turn = math.floor(number / plan.participants)
  sent = sent + 1
  local event = life[turn % #life + 1]
  local device = 465 + math.floor(turn / #life) % plan.devices
  local text = body:format(event, beginMs + number, participantId(n), device, n % plan.tags)
  return wrk.format(nil, '/callbacks/bandwidth', nil, text)
end
