-- wrk: callbacks of participants that come and go, each one another event, so that every one is to be stored.
-- One thread's counter is enough: the load is asked of wrk with one thread.
--
-- Arguments: participants, how many take part; first, the number of the first; apart, how far apart their numbers are;
--   tags, how many tags they have; life, what their devices do (below); sent, how many callbacks a run before this one sent
dofile('bench/wrk.lua')

local LIVES = {
  calls = { 'onConnect', 'onDisconnect', 'onConnect', 'onLeave' },
  -- Of those that are connected: each event moves one from one index to another, and none waits for a grace to be over.
  moves = { 'onLeave', 'onConnect' },
}
local body = '{"event":"%s","timestamp":"%d","participantId":"%s",'
  .. '"deviceId":"be199214-1a03-402a-a7b6-d002470a0465","tag":"hello-world-phone-%d"}'
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
  return wrk.format(nil, '/callbacks/bandwidth', nil, body:format(event, beginMs + sent, participantId(n), n % plan.tags))
end
