-- wrk: callbacks of participants that come and go, each one another event, so that every one is to be stored.
-- One thread's counter is enough: the load is asked of wrk with one thread.
--
-- Arguments: participants, how many take part; first, the number of the first; apart, how far apart their numbers are;
--   tags, how many tags they have; devices, how many each has, one after another; life, what each of them does (below);
--   sent, how many callbacks a run before this one sent
dofile('bench/wrk.lua')

local LIVES = {
  calls = { 'onConnect', 'onDisconnect', 'onConnect', 'onLeave' },
  -- Of those that are connected: each event moves one from one index to another, and none waits for a grace to be over.
  moves = { 'onLeave', 'onConnect' },
  -- Of pages that are loaded again: the device after it is another one.
  reloads = { 'onConnect', 'onLeave' },
}
local body = '{"event":"%s","timestamp":"%d","participantId":"%s",'
  .. '"deviceId":"be199214-1a03-402a-a7b6-d002470a%04d","tag":"hello-world-phone-%d"}'
-- Each event a millisecond after the one before it, as real ones have times of their own; from an hour ago on, so that none
-- of millions is from the future.
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
  local n = plan.first + scattered(sent, plan.participants) * plan.apart
  local turn = math.floor(sent / plan.participants)
  sent = sent + 1
  local event = life[turn % #life + 1]
  local device = 465 + math.floor(turn / #life) % plan.devices
  local text = body:format(event, beginMs + sent, participantId(n), device, n % plan.tags)
  return wrk.format(nil, '/callbacks/bandwidth', nil, text)
end
