-- A clock that ticks in browsers: one stream of events for each, and one task that knows the time.
--
--     lua examples/http_clock.lua 127.0.0.1:8080           then open it in a browser
--     curl -N http://127.0.0.1:8080/ticks
--
-- Without an address it listens to itself for a moment, and ends.
local chuck = require("chuck")
local co, http, io = chuck.co, chuck.http, chuck.io

local PAGE = [[<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Clock</title></head>
<body><h1 id="now">--:--:--</h1><p>since <span id="ticks">0</span> ticks</p>
<script>
const events = new EventSource("/ticks")
events.addEventListener("tick", event => {
  document.getElementById("now").textContent = event.data
  document.getElementById("ticks").textContent = event.lastEventId
})
</script></body></html>
]]

--- The time between two ticks, in milliseconds.
local TICK = arg[1] and 1000 or 20

local function ticks(_, res)
  local events = res:EventStream({ retry_ms = 1000 })
  -- A browser that was away goes on where it was.
  local n = tonumber(events.last_id) or 0
  repeat
    n = n + 1
    local sent = events:Send({ event = "tick", data = os.date("%H:%M:%S"), id = n })
    co.sleep(TICK)
  until not sent
end

local function handler(req, res)
  if req.path == "/ticks" then
    return ticks(req, res)
  end
  res:Html(PAGE)
end

co.run(function()
  local server = assert(http.serve(arg[1] or "127.0.0.1:0", handler))
  print("ticks at http://" .. server:GetSockAddr())
  if arg[1] then
    -- Ctrl-C ends it.
    return
  end
  local stream = assert(io.connect(server:GetSockAddr()))
  stream:Write("GET /ticks HTTP/1.1\r\nHost: localhost\r\n\r\n")
  local seen = 0
  while seen < 3 do
    local line = assert(stream:ReadLine())
    if line:find("^data: ") then
      seen = seen + 1
      print(line)
    end
  end
  stream:Close()
  server:Shutdown(1000)
end)
