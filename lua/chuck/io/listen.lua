--- A task per connection.
---
---     local listener = io.listen("localhost:8080", function(stream, peer)
---       stream:Write("hello ", peer, "\n")
---     end)
---
--- The tasks belong to the scope that `listen` was called in: it stays open while the listener is,
--- and takes it along when it is cancelled. A stream is closed when its handler returns or raises;
--- what it raises is reported and harms nobody else.

local check = require("chuck.support.check")
local compat = require("chuck.support.compat")
local open = require("chuck.listen")
local origin = require("chuck.co.origin")
local report = require("chuck.co.report")
local sched = require("chuck.co.sched")
local scope = require("chuck.co.scope")
local stream = require("chuck.io.stream")

local OPTIONS = {
  backlog = "positive integer",
  decoder = "decoder",
  fd = "descriptor",
  high_water = "positive integer",
  linger_ms = "milliseconds",
  max_connections = "positive integer",
  mode = "permissions",
  on_accept_error = "function",
  on_error = "function",
  read_ahead = "positive integer",
  recvbuf = "positive integer",
  reuse_port = "boolean",
  send_limit = "positive integer",
}

local NONE = {}

---@class chuck.Server
local Listener = {}

local METATABLE = { __index = Listener, __metatable = "server" }

--- The traceback of an error, taken where it was raised.
local function with_traceback(problem)
  return { error = problem, traceback = debug.traceback("", 2) }
end

--- Where `pcall` cannot be yielded across, the scheduler knows one handler that sees the stack.
local HANDLER = compat.yields_across_pcall and with_traceback or debug.traceback

--- The error and the traceback in what `HANDLER` has made of them.
local function apart(problem)
  if HANDLER == with_traceback then
    return problem.error, problem.traceback
  end
  local text, traceback = tostring(problem):match("^(.*)\n(stack traceback:.*)$")
  return type(problem) == "string" and text or problem, traceback or ""
end

--- Runs a handler, and closes its stream whatever it comes to.
---@async
local function serve(self, conn, peer)
  self.unserved[conn] = nil
  local options = self.options
  local served = stream.new(conn, peer, options, self.kind)
  if not served then
    return
  end
  local fine, outcome = sched.xpcall(self.handler, HANDLER, served, peer)
  if fine then
    served:Close(options.linger_ms)
    return
  end
  served:Close(0)
  local problem, traceback = apart(outcome)
  if sched.is_stop(problem) then
    error(problem, 0)
  elseif options.on_error then
    options.on_error(problem, traceback, peer)
  else
    local task = sched.current()
    report.tell(task, problem, origin.traceback(task, traceback))
  end
end

local function accept(self, conn, peer)
  self.unserved[conn] = true
  sched.start(self.children, serve, self, conn, peer)
end

local function start(self, engine)
  local options = self.options
  return open(engine, self.addr, function(conn, peer)
    accept(self, conn, peer)
  end, {
    backlog = options.backlog,
    decoder = options.decoder,
    fd = options.fd,
    max_connections = options.max_connections,
    mode = options.mode,
    on_error = options.on_accept_error,
    recvbuf = options.recvbuf or stream.RECVBUF,
    reuse_port = options.reuse_port,
  })
end

local function stop(self)
  self.is_stopped = true
  if self.socket then
    self.socket:Close()
  end
end

--- The task that holds the socket, and whose scope the handlers are in.
---@async
local function keep(self, engine, caller)
  scope.open(function(children)
    -- A handler that fails does so for itself.
    children.on_failure = false
    self.children = children
    local message, code
    self.socket, message, code = start(self, engine)
    sched.wake(caller, self.socket or false, message, code)
    while self.socket and not self.is_stopped do
      sched.parking()
      sched.park(self.stopping)
    end
  end)
end

--- Whatever ends the keeper, the socket goes with it, and who came and was not served.
---@async
local function guard(self, engine, caller)
  local fine, problem = sched.pcall(keep, self, engine, caller)
  stop(self)
  for conn in pairs(self.unserved) do
    conn:Close()
  end
  if not fine then
    error(problem, 0)
  end
end

--- Listens at `addr` and runs `handler(stream, peer)` in a task for every connection.
---@async
local function listen(addr, handler, options)
  check.type("listen", 1, addr, "string")
  check.type("listen", 2, handler, "function")
  check.options("listen", 3, options, OPTIONS)
  options = options or NONE
  stream.check_options("listen", 3, options)
  local engine = stream.engine_for("listen")
  local task = sched.parking()
  local self = setmetatable({
    addr = addr,
    handler = handler,
    options = options,
    kind = stream.kind_of(options.decoder),
    --- Connections whose handler has not begun.
    unserved = {},
    --- The task that holds everything, its scope, and the listening socket.
    keeper = false,
    children = false,
    socket = false,
    is_stopped = false,
    --- What the keeper waits in until `Close`.
    stopping = { what = "connections at " .. addr },
  }, METATABLE)
  function self.stopping.Leave()
    stop(self)
  end
  self.keeper = sched.spawn(guard, self, engine, task)
  function self.keeper.on_drop()
    sched.wake(task, false, "listen at " .. addr .. ": the scope is cancelled", "ECANCELED")
  end
  local opened, message, code = sched.park({
    what = "listen at " .. addr,
    Leave = function()
      self.keeper:Cancel()
    end,
  })
  if not opened then
    return nil, message, code
  end
  stream.unless_cancelled(self.keeper.Cancel, self.keeper)
  return self
end

local function expect(self, name, grace_ms)
  if getmetatable(self) ~= "server" then
    stream.bad_argument(name, 1, "server", self)
  elseif grace_ms and not (type(grace_ms) == "number" and grace_ms >= 0) then
    stream.bad_argument(name, 2, "milliseconds", grace_ms)
  end
end

--- Whether the current task is one of the handlers.
local function is_inside(self)
  local task = sched.current()
  local frame = task and task.home
  while frame do
    if frame == self.children then
      return true
    end
    task = frame.owner
    frame = task and task.home
  end
  return false
end

--- Stops listening, at once. Without a grace that is all: handlers go on. With one, waits until
--- they have returned, and cancels those that have not in time. A handler that calls it does not
--- wait.
---@async
function Listener:Close(grace_ms)
  expect(self, "Close", grace_ms)
  stop(self)
  sched.wake(self.keeper)
  if not grace_ms or self.keeper:IsDone() then
    return
  end
  local children = self.children
  local function cancel()
    children:Cancel("the listener was closed")
  end
  if grace_ms == 0 then
    cancel()
  end
  local timer = grace_ms > 0 and sched.timer(grace_ms, cancel)
  if sched.current() and not is_inside(self) then
    self.keeper:Join()
    if timer then
      timer:UnRegister()
    end
  end
end

--- The address that it listens at, with the port that the kernel chose.
--- @return string? address
--- @return string? message
--- @return string? code
function Listener:GetSockAddr()
  expect(self, "GetSockAddr")
  return self.socket:GetSockAddr()
end

--- How many of its connections are open.
function Listener:Connections()
  expect(self, "Connections")
  return self.socket:Connections()
end

return listen
