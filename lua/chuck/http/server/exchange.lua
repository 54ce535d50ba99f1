--- One connection of a server, and its requests, one at a time and in their order.
---
---     idle -> a task runs the handler -> the answer is sent -> idle, or the next that has come
---
--- A request costs a table, and so do its answer and its task. While one is served, a few that
--- follow are kept; then reading stops. How fast the client has to be is in sweep.lua.

local books = require("chuck.http.server.books")
local frame = require("chuck.co.frame")
local intake = require("chuck.http.server.intake")
local native = require("chuck.native")
local outflow = require("chuck.http.server.outflow")
local request = require("chuck.http.server.request")
local response = require("chuck.http.server.response")
local sched = require("chuck.co.sched")
local trouble = require("chuck.http.server.trouble")
local turns = require("chuck.http.server.turns")

local http = native.http
local launch = sched.launch
local respond = http.respond
local find, setmetatable, type = string.find, setmetatable, type

local RESPONSE = response.METATABLE

local exchange = {}

--- Of `bits`: how to respond to it, whether its connection ends then, and whether it is HTTP/1.0.
local MODE, CLOSES, IS_OLD = {}, {}, {}
for bits = 0, 63 do
  local meaning = http.bits[bits]
  MODE[bits] = (meaning.keep_alive and 0 or 1) + (meaning.is_10 and 4 or 0)
  CLOSES[bits] = not meaning.keep_alive
  IS_OLD[bits] = meaning.is_10 and true or false
end

---@class chuck.http.Exchange
local Exchange = {
  --- An exchange is at the same time the list of arguments of its tasks: itself.
  n = 1,
  --- The request that is served, its response and its task.
  req = false,
  res = false,
  task = false,
  --- Requests that wait: `first` to `last`, and the `size` in bytes of all since it was empty.
  queue = false,
  --- That list while nothing waits: who pipelines does so again.
  spare = false,
  --- The body that is on its way, of the last request that has come.
  inflow = false,
  --- The status of what the client has done wrong; answered when its turn comes.
  violation = false,
  --- Requests begun.
  served = 0,
  --- At the end of this request the connection ends too.
  is_last = false,
  --- The client has ended its side; reading is held back; no request begins before there is room.
  is_half = false,
  is_paused = false,
  is_stalled = false,
  --- Why nothing can be sent any more: a code, or false.
  broken = false,
  --- No more than so many bytes are in the send queue; who waits for room; what is told of it.
  owed = 0,
  writers = false,
  on_drain = false,
  --- The request behind which nothing is read before it is over; or false.
  held = false,
  --- Where it is in the server's list; false when it is there no more.
  place = false,
  --- When the present phase has begun, and when a head was first seen to have begun: in ticks.
  since = 0,
  head_since = false,
}
Exchange.__index = Exchange
for _, methods in ipairs({ outflow, turns }) do
  for name, method in pairs(methods) do
    Exchange[name] = method
  end
end

--- The request is over, for whatever reason.
local function release(self)
  local res = self.res
  self.req, self.res, self.task = false, false, false
  if res and res.stage ~= "ended" then
    response.close_stage(res)
  end
end

--- The connection does not belong to the server any more: nothing waits for it.
local function leave(self, code)
  self.broken = self.broken or code
  self.queue = false
  books.forget(self.server, self)
  if self.inflow then
    self.inflow:Fail("the client has gone", "ESOCKCLOSE", 400)
  end
  self:WakeWriters()
  release(self)
end

Exchange.Leave = leave

--- Ends the connection: what is queued still leaves.
local function close(self)
  leave(self, "ESOCKCLOSE")
  books.linger(self.server, self.conn)
end

Exchange.Close = close

--- Ends the connection at once: the client is not to take what it has got for the whole.
function Exchange:Cut()
  if self.broken then
    return
  end
  leave(self, "ESOCKCLOSE")
  self.conn:Close()
end

--- Answers what the client has done wrong, and ends the connection.
local function answer_violation(self, number)
  local reason = http.reason(number) or "bad request"
  local fields = { "Content-Type", "text/plain; charset=utf-8" }
  respond(self.conn, number, nil, fields, reason .. "\n", 1)
  close(self)
end

--- How the head of a response is to be sent.
function Exchange:Mode(res, is_chunked)
  local req = res.request
  local bits = req.bits
  local mode = MODE[bits]
  if req.method == "HEAD" then
    mode = mode + 2
  end
  local inflow = req.inflow
  if CLOSES[bits] then
    self.is_last = true
  elseif
    self.is_last
    or res.closes
    or self.server.is_closing
    or is_chunked and IS_OLD[bits]
    or inflow and not inflow:IsWorthDiscarding()
  then
    self.is_last = true
    return mode + 1
  end
  return mode
end

--- The client may send the body that it has announced.
function Exchange:Continue()
  local res = self.res
  if res and res.stage == "open" and not self.broken then
    respond(self.conn, 100, nil, nil, "", 8)
  end
end

--- The handler has returned and the response has ended.
local function finish(self)
  local inflow = self.req.inflow
  if self.held == self.req then
    self.held = false
  end
  self.req, self.res, self.task = false, false, false
  self.since = self.server.tick
  if inflow and not inflow.is_complete then
    inflow:Discard()
    self.is_last = self.is_last or inflow.is_awaited or inflow.failure and true
  end
  if self.is_last then
    close(self)
  elseif self.queue then
    self:Proceed()
  elseif self.violation or self.is_half or self.is_paused then
    self:Proceed()
  end
end

--- The handler has returned without having ended the response.
local function complete(self, req, res, out)
  local failed = req.inflow and req.inflow.failure
  if res.stage == "open" and failed then
    self.is_last = true
    response.answer_instead(res, failed.status, failed.message)
  elseif type(out) == "string" then
    res:End(out)
  else
    res:End()
  end
end

--- What the task of a request does.
---@async
local function handle(self)
  local req, res = self.req, self.res
  local out = self.server.handler(req, res)
  if self.req == req and res.stage ~= "ended" then
    complete(self, req, res, out)
  end
  if self.req == req then
    finish(self)
  end
end

--- Begins with a request.
local function start(self, req)
  local server = self.server
  local res =
    setmetatable({ exchange = self, request = req, stage = "open", fields = false }, RESPONSE)
  self.req, self.res = req, res
  self.since = server.tick
  server.requests = server.requests + 1
  local served = self.served + 1
  self.served = served
  if served == server.max_requests then
    self.is_last = true
  end
  if find(req.target, "%", 1, true) and not request.is_target(req.target) then
    response.answer_instead(res, 400, "the path is not valid")
    return finish(self)
  end
  local task = launch(server.children, handle, self)
  task.exchange = self
  self.task = task
end
Exchange.Start = start

--- Takes the connection out of the server's hands.
function Exchange:Detach()
  self.conn:RemoveEngine()
  leave(self, "ESOCKCLOSE")
end

--- The handler has had its time: what was not answered is, with 503.
function Exchange:Expire(message)
  local task, res = self.task, self.res
  if res.stage == "ended" then
    close(self)
  else
    self.is_last = true
    if trouble.answer_with(res, 503, "the server takes too long") then
      close(self)
    else
      self:Cut()
    end
  end
  frame.cancel(task, sched.stop_reason("ETIMEDOUT", message))
end

--- The client has taken too long before its request was there.
function Exchange:Refuse(number)
  answer_violation(self, number)
end

--- A handler has raised. False when it is for others to tell.
function exchange.on_failure(_, task, problem)
  local self = task.exchange
  if not self then
    return false
  end
  local is_served = self.task == task
  local req, res = self.req, self.res
  trouble.tell(self.server, task, problem, is_served and req)
  if is_served then
    if res.stage == "ended" or trouble.answer(req, res, problem) then
      finish(self)
    else
      self:Cut()
    end
  end
  return true
end

--- A handler was cancelled, and not because its client has gone.
function exchange.on_cancelled(_, task)
  local self = task.exchange
  if self and self.task == task then
    self.is_last = true
    local res = self.res
    if res.stage == "ended" or trouble.answer_with(res, 503, "the request was cancelled") then
      finish(self)
    else
      self:Cut()
    end
  end
end

--- Serves a connection.
function exchange.new(server, conn, remote)
  local self = setmetatable({
    false,
    server = server,
    conn = conn,
    --- The client's address.
    remote = remote,
    since = server.tick,
    req = false,
    res = false,
    task = false,
    served = 0,
    owed = 0,
  }, Exchange)
  self[1] = self
  return self, intake(self)
end

return exchange
