--- How long a client may take, and a handler. One timer per server looks at all connections: a
--- request costs no timer of its own.
---
---     idle  ->  head  ->  body and handler  ->  sending
---
--- Time is counted in ticks of that timer, which runs while there are connections. A limit holds
--- for at least as long as it says, and for up to two and a half ticks more. Sending is watched by
--- the connections themselves.
---
--- Many connections are looked at in slices, and what happens to them meanwhile has its turn in
--- between. A round goes from the last of the list to the first: the place of who leaves is taken
--- by the last, which was looked at before.

local native = require("chuck.native")
local sched = require("chuck.co.sched")

local pending = native.http.pending

local sweep = {}

--- Shortest and longest time between two looks, in milliseconds.
local SHORTEST, LONGEST = 10, 1000

--- How many looks fall into the shortest limit.
local LOOKS = 5

--- Connections of a slice at least, and the time between two slices in milliseconds. A round takes
--- half a tick at most: slices are larger when there are more connections than fit.
local SLICE, PAUSE = 256, 1

--- The time between two looks for these limits, in milliseconds.
function sweep.interval(limits)
  local shortest = LONGEST * LOOKS
  for _, ms in ipairs(limits) do
    shortest = ms > 0 and ms < shortest and ms or shortest
  end
  return math.max(SHORTEST, math.floor(shortest / LOOKS))
end

--- A connection without a request: between two, or with the beginning of one.
local function look_at_idle(server, exchange, tick)
  local inflow = exchange.inflow
  if inflow then
    -- The rest of a body that nobody wants.
    if tick - inflow.since > server.body_ticks then
      server.timeouts = server.timeouts + 1
      exchange:Close()
    end
  elseif exchange.is_stalled then
    return
  elseif pending(exchange.conn) > 0 then
    exchange.head_since = exchange.head_since or exchange.served == 0 and exchange.since or tick
    if tick - exchange.head_since > server.head_ticks then
      server.timeouts = server.timeouts + 1
      exchange:Refuse(408)
    end
  else
    if exchange.head_since then
      exchange.head_since = false
    end
    local limit = exchange.served == 0 and server.head_ticks or server.idle_ticks
    if tick - exchange.since > limit then
      server.timeouts = server.timeouts + 1
      exchange:Close()
    end
  end
end

--- The body is late when somebody waits for it.
local function look_at_body(server, exchange, inflow, tick)
  if inflow.is_complete or inflow.is_awaited or exchange.is_paused then
    return
  elseif tick - inflow.since > server.body_ticks and not inflow.failure then
    server.timeouts = server.timeouts + 1
    inflow:Fail(("no more of the body in %g ms"):format(server.options.body_ms), "ETIMEDOUT", 408)
  end
end

--- A connection whose handler runs.
local function look_at_busy(server, exchange, tick)
  local res, inflow = exchange.res, exchange.inflow
  if inflow then
    look_at_body(server, exchange, inflow, tick)
    if inflow.reader then
      return
    end
  end
  if exchange.writers and exchange.writers.count > 0 then
    return
  end
  local limit = res.limit or server.handler_ticks
  if tick - exchange.since > limit then
    server.timeouts = server.timeouts + 1
    exchange:Expire("the handler has been silent for too long")
  end
end

--- Looks at the next slice of a round. Hooks of responses run here, and may close others.
local function look_on(server)
  local tick, list = server.tick, server.exchanges
  local at = math.min(server.unseen, server.count)
  local size = math.max(SLICE, math.ceil(server.count * 2 * PAUSE / server.interval))
  local last = math.max(0, at - size)
  server.unseen = at
  while at > last do
    local exchange = list[at]
    server.unseen = at - 1
    if exchange and exchange.req then
      look_at_busy(server, exchange, tick)
    elseif exchange then
      look_at_idle(server, exchange, tick)
    end
    at = at - 1
  end
end

--- A tick has passed: begins a round, unless the last one is late.
function sweep.begin(server)
  server.tick = server.tick + 1
  if server.unseen == 0 then
    server.unseen = server.count
  end
  look_on(server)
  if server.unseen == 0 or server.slices then
    return
  end
  server.slices = native.RegTimer(sched.engine(), PAUSE, function()
    look_on(server)
    if server.unseen == 0 then
      server.slices = false
      return -1
    end
  end)
end

return sweep
