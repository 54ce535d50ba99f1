--- One end of a connection that carries calls, both ways, and plain packets beside them.
---
---     local peer = rpc.peer(stream, { services = rpc.services({ add = add }) })
---     print(peer:Call("add", 1, 2))
---
--- A task reads: it takes everything that one read of the socket has brought before it parks. It
--- belongs to the scope that the peer was made in, and the peer ends with it.

local callee = require("chuck.rpc.callee")
local caller = require("chuck.rpc.caller")
local check = require("chuck.support.check")
local errors = require("chuck.rpc.errors")
local flow = require("chuck.rpc.flow")
local home = require("chuck.rpc.home")
local link = require("chuck.rpc.link")
local limits = require("chuck.rpc.limits")
local packets = require("chuck.rpc.packets")
local sched = require("chuck.co.sched")
local wire = require("chuck.rpc.wire")

local KIND = wire.KIND

local peer = {}

---@class chuck.rpc.Peer
local Peer = {}
Peer.__index = Peer
Peer.__metatable = "rpc.peer"

for _, part in ipairs({ flow, caller, callee, packets }) do
  link.tell(part)
  for name, method in pairs(part.methods) do
    Peer[name] = method
  end
end

--- What to do with a message of each kind, once the other side has said hello.
local on = {
  [KIND.CALL] = callee.on_call,
  [KIND.NOTIFY] = callee.on_notify,
  [KIND.CANCEL] = callee.on_cancel,
  [KIND.RESULT] = caller.on_result,
  [KIND.ERROR] = caller.on_error,
  [KIND.OPEN] = flow.on_open,
  [KIND.ITEM_UP] = flow.on_item_up,
  [KIND.ITEM_DOWN] = flow.on_item_down,
  [KIND.CREDIT_UP] = flow.on_credit_up,
  [KIND.CREDIT_DOWN] = flow.on_credit_down,
  [KIND.END_UP] = flow.on_end_up,
}

--- Ends the connection: calls that wait fail with `"ESOCKCLOSE"`, services are cancelled. It may be
--- called any number of times, from anywhere.
function Peer:Close()
  if not self.ended then
    link.say(self, KIND.BYE, "ESOCKCLOSE", "closed")
    link.finish(self, self.name .. ": closed from this side", "ESOCKCLOSE")
  end
end

--- Whether the connection has ended.
function Peer:IsClosed()
  return self.ended and true or false
end

--- The number of calls that wait for an answer of the other side, and of those that are served.
function Peer:InFlight()
  return self.in_flight, self.home.count
end

--- Leaves a list of tasks that wait for the peer.
local function leave(waiting, task)
  waiting.peer.waiters[task] = nil
end

--- Waits until something about the peer changes.
---@async
function peer.await(self, timeout_ms)
  local task = sched.parking()
  self.waiters[task] = true
  return sched.park(self.ending, timeout_ms)
end

local await = peer.await

--- Waits until the connection has ended: true and why, message and code; or nil, message,
--- `"ETIMEDOUT"`.
---@async
function Peer:Wait(timeout_ms)
  if timeout_ms ~= nil then
    check.type("Wait", 1, timeout_ms, "milliseconds")
  end
  local give_up = timeout_ms and sched.now() + timeout_ms
  while not self.ended do
    if await(self, give_up and give_up - sched.now()) == sched.TIMEOUT then
      local text = "%s: still open after %g ms"
      return nil, text:format(self.name, timeout_ms), "ETIMEDOUT"
    end
  end
  return true, self.ended.message, self.ended.code
end

--- Waits until the other side has said hello: true; or nil, message, code.
---@async
function Peer:Ready(timeout_ms)
  if timeout_ms ~= nil then
    check.type("Ready", 1, timeout_ms, "milliseconds")
  end
  local give_up = timeout_ms and sched.now() + timeout_ms
  while not self.has_greeted and not self.ended do
    if await(self, give_up and give_up - sched.now()) == sched.TIMEOUT then
      return nil, ("%s: no hello in %g ms"):format(self.name, timeout_ms), "ETIMEDOUT"
    end
  end
  if self.ended then
    return nil, self.ended.message, self.ended.code
  end
  return true
end

--- Takes no more calls, waits until those that are served have been answered, and closes; after
--- `timeout_ms` it closes anyhow and returns nil, message, `"ETIMEDOUT"`.
---@async
function Peer:Drain(timeout_ms)
  check.type("Drain", 1, timeout_ms, "milliseconds")
  local give_up = sched.now() + timeout_ms
  self.is_draining = true
  while next(self.served) and not self.ended do
    if sched.now() >= give_up then
      self:Close()
      local text = "%s: calls were still served after %g ms"
      return nil, text:format(self.name, timeout_ms), "ETIMEDOUT"
    end
    sched.sleep(math.min(peer.DRAIN_STEP, give_up - sched.now()))
  end
  self:Close()
  return true
end

--- How often `Drain` looks, in milliseconds.
peer.DRAIN_STEP = 5

function peer.on_bye(self, _, code, message)
  if type(code) ~= "string" or type(message) ~= "string" then
    return link.fail(self, "EBADMSG", "a farewell without code and message")
  end
  if code ~= "EPROTO" then
    code = "ESOCKCLOSE"
  end
  link.finish(self, ("%s: the other side has closed: %s"):format(self.name, message), code)
end

on[KIND.BYE] = peer.on_bye

on[KIND.PING] = function(self, _, number)
  if type(number) ~= "number" then
    return link.fail(self, "EBADMSG", "a ping without a number")
  end
  link.say(self, KIND.PONG, number)
end

on[KIND.PONG] = function() end

on[KIND.HELLO] = function(self)
  link.fail(self, "EBADMSG", "a second hello")
end

--- The first message: who speaks, and what it takes.
local function greet(self, kind, n, name, version, bytes, calls)
  if kind ~= KIND.HELLO or n < 4 or name ~= wire.NAME or type(version) ~= "number" then
    return link.fail(self, "EPROTO", "it does not begin with a hello of " .. wire.NAME)
  elseif version ~= wire.VERSION then
    local text = "it speaks version %s, this side %d"
    return link.fail(self, "EPROTO", text:format(version, wire.VERSION))
  elseif not (errors.is_at_least(1, bytes) and errors.is_at_least(1, calls)) then
    return link.fail(self, "EBADMSG", "a hello without limits")
  end
  self.has_greeted = true
  self.most_bytes = math.min(self.most_bytes, bytes)
  self.most_calls = math.min(self.most_calls, calls)
  link.tell_waiters(self)
end

--- Takes a message: its kind, number of values, and values.
local function dispatch(self, packet, kind, n, ...)
  if not self.has_greeted then
    if kind then
      return greet(self, kind, n or 0, ...)
    end
  else
    local handle = on[kind]
    if handle and n then
      return handle(self, n, ...)
    end
  end
  if kind == nil then
    return packets.keep(self, packet)
  elseif n and not on[kind] then
    return link.fail(self, "EBADMSG", ("a message of an unknown kind, %s"):format(kind))
  end
  link.fail(self, "EBADMSG", "a message that cannot be read")
end

--- The answer to a call that nobody waits for: that of a stream, or late.
local function on_stray(self, id, results, message, code)
  if type(id) ~= "number" or id > self.last_id or id < 1 or id % 1 ~= 0 then
    return link.fail(self, "EBADMSG", "the answer to a call that was never made")
  end
  if results == caller.FAILED then
    results = false
  end
  if not flow.conclude(self, id, results, message, code) then
    self.strays = self.strays + 1
  end
end

caller.on_stray = on_stray

--- What has ended the connection, of what the stream has said.
local function broken(self, message, code)
  if code == "EPKTOOLARGE" then
    local text = "a message of more than %d bytes"
    return link.fail(self, "EBADMSG", text:format(self.config.message))
  elseif code == "EOF" then
    message = self.name .. ": the other side has gone"
  end
  link.finish(self, message, "ESOCKCLOSE")
end

--- Lets the tasks that were started or woken run, and what they send leave, before more is taken:
--- so both sides work at the same time, instead of one after the other.
local function breathe(self)
  local engine = sched.engine()
  if not engine then
    return sched.yield()
  end
  self.is_breathing = sched.parking()
  engine:Post(self.go_on)
  sched.park(self.breath)
  self.is_breathing = false
end

local function read_all(self)
  local stream, read, most = self.stream, self.read, self.config.message
  while not self.ended do
    self.is_waiting = true
    local packet, message, code = stream:ReadPacket()
    self.is_waiting = false
    self.is_heard = true
    self.time = sched.now()
    if not packet then
      return broken(self, message, code)
    elseif self.config.is_default and getmetatable(packet) ~= "rpacket" then
      local text = "%s: this stream was not made with the decoder rpc.framing()"
      return link.finish(self, text:format(self.name), "EPROTO")
    end
    local left = limits.batch
    repeat
      self.size = #packet
      if self.size > most then
        return broken(self, nil, "EPKTOOLARGE")
      end
      dispatch(self, packet, read(packet))
      left = left - 1
      if left == 0 then
        breathe(self)
        left = limits.batch
      end
      packet = not self.ended and stream:TryReadPacket()
    until not packet
  end
end

--- The reader: it ends when everything that it has started has.
local function run(self)
  local fine, problem = sched.pcall(read_all, self)
  if not fine then
    local text = errors.text_of(problem, limits.text)
    local is_stop = sched.is_stop(problem)
    link.finish(self, ("%s: %s"):format(self.name, text), is_stop and "ECANCELED" or "EFAULT")
  end
  for _, scope in ipairs({ self.home, self.loose, self.callbacks }) do
    home.drain(scope, self.reader, not fine and problem)
  end
  if not fine then
    error(problem, 0)
  end
end

--- Looks whether anything has come since the last time.
local function look(self)
  self.pulse = false
  if self.is_heard or not self.is_waiting then
    self.is_heard, self.is_asked = false, false
  elseif self.is_asked then
    local text = "nothing has come for %g ms, not even the answer to a ping"
    return link.fail(self, "ETIMEDOUT", text:format(2 * self.config.heartbeat_ms))
  else
    self.is_asked = true
    self.pings = self.pings + 1
    link.say(self, KIND.PING, self.pings)
  end
  if not self.ended then
    self.pulse = sched.timer(self.config.heartbeat_ms, function()
      look(self)
    end)
  end
end

--- The reader goes on by itself.
local function catch_breath(breath)
  breath.peer.is_breathing = false
end

--- A peer at the end of `stream`, by a configuration that was made.
function peer.new(stream, config)
  local self = setmetatable({
    stream = stream,
    config = config,
    write = config.write,
    read = config.read,
    --- The other side, for messages.
    name = stream:Peer(),
    --- The smaller of what both sides take, once the other has said hello.
    most_bytes = config.message,
    most_calls = config.calls,
    linger_ms = config.linger_ms,
    has_greeted = false,
    --- Message and code, once it has ended; who waits for that.
    ended = false,
    waiters = {},
    ending = false,
    --- Whether anything has come since the last look, and whether a ping is on its way.
    is_heard = false,
    is_asked = false,
    is_waiting = false,
    pings = 0,
    pulse = false,
    --- The reader, while it lets others go first; what it waits in, and what ends that.
    is_breathing = false,
    breath = false,
    go_on = false,
    --- Notifications that were not served.
    dropped = 0,
    reader = false,
  }, Peer)
  self.ending = { peer = self, Leave = leave, what = "end of " .. self.name }
  self.breath = { peer = self, Leave = catch_breath, what = "turn of " .. self.name }
  self.go_on = function()
    if self.is_breathing then
      sched.wake(self.is_breathing, true)
    end
  end
  caller.set_up(self)
  callee.set_up(self)
  flow.set_up(self)
  packets.set_up(self)
  link.say(self, KIND.HELLO, wire.NAME, wire.VERSION, config.message, config.calls)
  if config.heartbeat_ms > 0 then
    look(self)
  end
  self.reader = sched.spawn(run, self)
  return self
end

peer.Peer = Peer

return peer
