--- A task per connection.
---
---     local listener = io.listen("localhost:8080", function(stream, peer)
---       stream:Write("hello ", peer, "\n")
---     end)
---
--- The tasks belong to the scope that `listen` was called in: it stays while the listener is open,
--- and takes it along when it is cancelled. A stream is closed when its handler returns.

local check = require("chuck.support.check")
local open = require("chuck.listen")
local sched = require("chuck.co.sched")
local scope = require("chuck.co.scope")
local stream = require("chuck.io.stream")

local RECVBUF = 65536

local OPTIONS = {
  backlog = "positive integer",
  decoder = "decoder",
  fd = "descriptor",
  high_water = "positive integer",
  max_connections = "positive integer",
  mode = "permissions",
  on_error = "function",
  read_ahead = "positive integer",
  recvbuf = "positive integer",
  reuse_port = "boolean",
  send_limit = "positive integer",
}

local NONE = {}

---@class chuck.io.Listener
local Listener = {}
Listener.__index = Listener
Listener.__metatable = "io.listener"

--- Runs a handler, and closes its stream whatever it comes to.
local function serve(self, conn, peer)
  self.unserved[conn] = nil
  local served = stream.new(conn, peer, self.options)
  if not served then
    return
  end
  local fine, problem = sched.pcall(self.handler, served, peer)
  served:Close(fine and stream.LINGER or 0)
  if not fine then
    error(problem, 0)
  end
end

local function accept(self, conn, peer)
  self.unserved[conn] = true
  sched.start(self.children, serve, self, conn, peer)
end

local function stop(self)
  if self.socket then
    self.socket:Close()
  end
end

local function start(self)
  local options = self.options
  return open(sched.engine(), self.addr, function(conn, peer)
    accept(self, conn, peer)
  end, {
    backlog = options.backlog,
    decoder = options.decoder,
    fd = options.fd,
    max_connections = options.max_connections,
    mode = options.mode,
    on_error = options.on_error,
    recvbuf = options.recvbuf or RECVBUF,
    reuse_port = options.reuse_port,
  })
end

--- The task that holds the socket, and whose scope the handlers are in.
local function keep(self, caller)
  scope.open(function(children)
    -- A handler that fails does so for itself.
    children.on_failure = false
    self.children = children
    local message, code
    self.socket, message, code = start(self)
    sched.wake(caller, self.socket or false, message, code)
    if self.socket then
      sched.parking()
      sched.park(self.stopping)
      stop(self)
    end
  end)
  stop(self)
  for conn in pairs(self.unserved) do
    conn:Close()
  end
end

--- Listens at `addr` and runs `handler(stream, peer)` in a task for every connection.
---@async
local function listen(addr, handler, options)
  check.type("listen", 1, addr, "string")
  check.type("listen", 2, handler, "function")
  check.options("listen", 3, options, OPTIONS)
  local task = sched.parking()
  local self = setmetatable({
    addr = addr,
    handler = handler,
    options = options or NONE,
    --- Connections whose handler has not begun.
    unserved = {},
    keeper = false,
    children = false,
    socket = false,
    stopping = { what = "connections at " .. addr, Leave = function() end },
  }, Listener)
  self.keeper = sched.spawn(keep, self, task)
  local opened, message, code = sched.park({
    what = "listen at " .. addr,
    Leave = function()
      self.keeper:Cancel()
    end,
  })
  if not opened then
    return nil, message, code
  end
  return self
end

--- Stops listening. Handlers go on; with a grace, waits for them and cancels those that are left.
---@async
function Listener:Close(grace_ms)
  stop(self)
  sched.wake(self.keeper)
  if grace_ms and not self.keeper:IsDone() then
    local children = self.children
    local timer = sched.timer(grace_ms, function()
      children:Cancel("listener closed")
    end)
    self.keeper:Join()
    timer:UnRegister()
  end
end

--- The address that it listens at.
function Listener:GetSockAddr()
  return self.socket:GetSockAddr()
end

--- How many of its connections are open.
function Listener:Connections()
  return self.socket:Connections()
end

return listen
