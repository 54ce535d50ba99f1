--- A server: a peer for every connection, all with the same services.
---
---     local server = assert(rpc.serve("127.0.0.1:7000", { add = function(a, b) return a + b end
--- }))
---     ...
---     server:Close(5000)                      -- what is under way is answered, for up to 5 s
---
--- The connections belong to the scope that `serve` was called in.

local caller = require("chuck.rpc.caller")
local check = require("chuck.support.check")
local config = require("chuck.rpc.config")
local context = require("chuck.rpc.context")
local errors = require("chuck.rpc.errors")
local io = require("chuck.io")
local link = require("chuck.rpc.link")
local limits = require("chuck.rpc.limits")
local offer = require("chuck.rpc.offer")
local peer = require("chuck.rpc.peer")
local sched = require("chuck.co.sched")
local scope = require("chuck.co.scope")
local wire = require("chuck.rpc.wire")

---@class chuck.RpcServer
local Server = {}
Server.__index = Server
Server.__metatable = "rpc.server"

--- Options of the listener.
local LISTEN = {
  backlog = "positive integer",
  fd = "descriptor",
  max_connections = "positive integer",
  mode = "permissions",
  on_accept_error = "function",
  reuse_port = "boolean",
}

local OPTIONS = {
  hello_ms = "milliseconds",
  on_connect = "function",
  on_disconnect = "function",
}
for _, kinds in ipairs({ LISTEN, config.OPTIONS }) do
  for name, kind in pairs(kinds) do
    OPTIONS[name] = kind
  end
end
-- They have an argument of their own.
OPTIONS.services = nil

local NONE = {}

--- Has on_connect called, in a task of its own: who goes while it waits takes it along.
---@async
local function welcome(self, guest)
  local is_done, fine, problem = false, true, nil
  local task = sched.spawn(function()
    fine, problem = sched.pcall(self.options.on_connect, guest)
    is_done = true
    link.tell_waiters(guest)
  end)
  self.hooks[task] = guest
  while not is_done and not guest.ended do
    peer.await(guest)
  end
  self.hooks[task] = nil
  if is_done and not fine then
    error(problem, 0)
  end
  task:Cancel()
end

--- Stays with a connection until it ends.
---@async
local function accompany(self, guest)
  local options = self.options
  local is_ready, _, code = guest:Ready(self.hello_ms)
  if not is_ready then
    if code == "ETIMEDOUT" then
      link.fail(guest, code, ("no hello in %g ms"):format(self.hello_ms))
    end
    return
  end
  if options.on_connect then
    welcome(self, guest)
  end
  guest:Wait()
  if options.on_disconnect then
    options.on_disconnect(guest, guest.ended.message, guest.ended.code)
  end
end

--- Serves a connection.
---@async
local function attend(self, stream)
  if self.is_closed then
    return stream:Close(0)
  end
  local guest = peer.new(stream, self.config)
  local task = sched.current()
  self.tasks[task] = guest
  local fine, problem = sched.pcall(accompany, self, guest)
  self.tasks[task] = nil
  guest:Close()
  if not fine then
    error(problem, 0)
  end
end

--- Listens at `addr` and offers `services`, a table of functions or `rpc.services`, to whoever
--- comes.
---@async
local function serve(addr, services, options)
  check.type("serve", 1, addr, "string")
  check.type("serve", 2, services, "table")
  check.options("serve", 3, options, OPTIONS)
  errors.expect_task("serve")
  options = options or NONE
  local made = config.make(options, "serve", 3)
  made.services = offer.shared(services, "serve", 2)
  local self = setmetatable({
    addr = addr,
    options = options,
    config = made,
    services = made.services,
    hello_ms = options.hello_ms or limits.hello_ms,
    --- The tasks that stay with a connection, and its peer.
    tasks = {},
    --- The tasks of on_connect.
    hooks = {},
    listener = false,
    --- The scope that everything is in, and the task that brings it to an end.
    home = false,
    closer = false,
    is_closed = false,
  }, Server)
  local for_listener = { decoder = made.framing, linger_ms = made.linger_ms }
  for name in pairs(LISTEN) do
    for_listener[name] = options[name]
  end
  for_listener.max_connections = options.max_connections or limits.connections
  local message, code
  self.listener, message, code = io.listen(addr, function(stream)
    return attend(self, stream)
  end, for_listener)
  if not self.listener then
    return nil, message, code
  end
  self.home = self.listener.keeper.home
  return self
end

--- Lets every peer answer what is under way, and ends.
---@async
local function drain_all(self, grace_ms)
  scope.open(function(children)
    for _, guest in pairs(self.tasks) do
      children:Spawn(guest.Drain, guest, grace_ms)
    end
  end)
  self.listener:Close(self.config.linger_ms)
end

local function close_all(self)
  local guests = {}
  for _, guest in pairs(self.tasks) do
    guests[#guests + 1] = guest
  end
  for _, guest in ipairs(guests) do
    guest:Close()
  end
end

--- Whether the current task is one that `Close` would wait for.
local function is_inside(self)
  local task, mine = sched.current(), context.caller()
  if self.tasks[task] or self.hooks[task] then
    return true
  end
  for _, guest in pairs(self.tasks) do
    if guest == mine then
      return true
    end
  end
  return false
end

--- Ends the server. Nobody is let in any more, and no more calls are taken; those under way are
--- answered, for up to `grace_ms`, 0 by default, and then cancelled. It waits for that, but not in
--- one of the server's own services. Any number of times; a later one may cut the grace short.
---@async
function Server:Close(grace_ms)
  if grace_ms ~= nil then
    check.type("Close", 1, grace_ms, "milliseconds")
  end
  local is_first = not self.is_closed
  self.is_closed = true
  if is_first then
    self.listener:Close()
    if self.home and not self.listener.keeper:IsDone() then
      self.closer = sched.start(self.home, drain_all, self, grace_ms or 0)
    end
  elseif not grace_ms or grace_ms == 0 then
    close_all(self)
  end
  if self.closer and sched.current() and not is_inside(self) then
    self.closer:Join()
  end
end

--- Whether it was closed.
function Server:IsClosed()
  return self.is_closed or self.listener.is_stopped
end

--- The address that it listens at, with the port that the kernel chose; or nil, message, code.
function Server:GetSockAddr()
  return self.listener:GetSockAddr()
end

--- Offers another service, to those who are here as well.
function Server:Register(name, fn, options)
  return self.services:Register(name, fn, options)
end

--- The peers that have said hello.
function Server:Peers()
  local peers = {}
  for _, guest in pairs(self.tasks) do
    if guest.has_greeted and not guest.ended then
      peers[#peers + 1] = guest
    end
  end
  return peers
end

--- How many connections are open.
function Server:Connections()
  return self.listener:Connections()
end

--- A notification as it is sent to anybody, or nil when hooks want to know of each.
local function notification(self, name, ...)
  if self.config.on_call then
    return nil
  end
  local _, trace = context.outgoing()
  local packet, why, at = self.config.write(wire.KIND.NOTIFY, 0, name, 0, trace, ...)
  if not packet then
    caller.blame("Broadcast", 1, why, at and at - caller.HEAD)
  end
  return packet
end

--- Notifies everybody who is here, and waits for nobody: how many it was sent to, and how many not,
--- because they take no message of this size or do not read. The message is written once.
function Server:Broadcast(name, ...)
  if not caller.is_name(name) then
    errors.raise("Broadcast", 1, caller.name_trouble(name))
  end
  local packet = notification(self, name, ...)
  local reached, missed = 0, 0
  for _, guest in ipairs(self:Peers()) do
    local is_sent
    if packet then
      is_sent = #packet <= guest.most_bytes and guest.stream:Send(packet)
    else
      is_sent = guest:Notify(name, ...)
    end
    reached = reached + (is_sent and 1 or 0)
    missed = missed + (is_sent and 0 or 1)
  end
  return reached, missed
end

return serve
