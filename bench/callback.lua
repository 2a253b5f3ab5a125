-- wrk: callbacks of 10,000 participants that come and go, each one another event, so that every one is to be stored.
-- One thread's counter is enough: the load is asked of wrk with one thread.
local kinds = { 'onConnect', 'onDisconnect', 'onConnect', 'onLeave' }
local body = '{"event":"%s","timestamp":"%d","participantId":"473f6544-92f7-4d67-9e77-bf25%08d",'
  .. '"deviceId":"be199214-1a03-402a-a7b6-d002470a0465","tag":"hello-world-phone"}'
local now = os.time() * 1000
local sent = 0

wrk.method = 'POST'
wrk.headers['Content-Type'] = 'application/json'

request = function()
  local participant, turn = sent % 10000, math.floor(sent / 10000)
  sent = sent + 1
  return wrk.format(nil, '/callbacks/bandwidth', nil, body:format(kinds[turn % 4 + 1], now + turn, participant))
end
