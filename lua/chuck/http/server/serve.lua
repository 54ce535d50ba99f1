--- A server: a task for every request.
---
---     local server = assert(http.serve("127.0.0.1:8080", function(req, res)
---       res:Text("hello")
---     end))
---     ...
---     server:Shutdown(5000)                   -- what is under way is answered, for up to 5 s
---
--- The tasks belong to the scope that `serve` was called in: it stays open while the server is, and
--- takes it along when it is cancelled.

local accept = require("chuck.http.server.accept")
local check = require("chuck.support.check")
local ending = require("chuck.http.server.ending")
local exchange = require("chuck.http.server.exchange")
local limits = require("chuck.http.server.limits")
local native = require("chuck.native")
local open = require("chuck.listen")
local sched = require("chuck.co.sched")
local scope = require("chuck.co.scope")
local state = require("chuck.http.server.state")

---@class chuck.HttpServer
local Server = {}
Server.__index = Server
Server.__metatable = "http.server"

--- Raises for what cannot handle a request.
local function check_handler(name, n, handler)
  local class = type(handler) == "table" and debug.getmetatable(handler)
  if type(handler) ~= "function" and not (class and class.__call) then
    local message = "bad argument #%d to '%s' (handler: function or router expected, got %s)"
    error(message:format(n, name, type(handler)), 3)
  end
end

--- The task that holds the server, and whose scope the handlers are in.
---@async
local function keep(self, caller)
  scope.open(function(children)
    children.on_failure = exchange.on_failure
    children.on_cancelled = exchange.on_cancelled
    self.children = children
    sched.wake(caller, true)
    while not (self.is_closing and self.count == 0) do
      sched.parking()
      sched.park(self.stopping)
    end
    ending.linger(self)
  end)
end

--- Ends every connection at once.
local function cut_all(self)
  for i = self.count, 1, -1 do
    local one = self.exchanges[i]
    if one then
      one:Cut()
    end
  end
end

--- Whatever ends the keeper, sockets and connections go with it.
---@async
local function guard(self, caller)
  local fine, problem = sched.pcall(keep, self, caller)
  self.is_closing, self.is_stopped = true, true
  ending.stop_listening(self)
  cut_all(self)
  for _, name in ipairs({ "timer", "slices" }) do
    if self[name] then
      self[name]:UnRegister()
      self[name] = false
    end
  end
  if not fine then
    error(problem, 0)
  end
end

--- Starts the keeper; returns when it is there.
---@async
local function start_keeper(self)
  local task = sched.parking()
  local keeper = sched.spawn(guard, self, task)
  self.keeper = keeper
  function keeper.on_drop()
    sched.wake(task, false)
  end
  return sched.park({
    what = "the beginning of a server",
    Leave = function()
      keeper:Cancel()
    end,
  })
end

local function decoder_of(options)
  return native.http.parts({
    role = "server",
    head = options.max_head,
    line = math.min(options.max_target, options.max_head),
    fields = options.max_fields,
    body = options.max_body,
  })
end

--- Listens at an address; a server may do so at several.
---@async
function Server:Listen(addr)
  check.self("Listen", self, "http.server")
  check.type("Listen", 1, addr, "string")
  local engine = sched.engine()
  if not engine then
    check.blame("http", "a server needs tasks: listen inside of co.run")
  end
  if self.is_closing then
    return nil, "listen at " .. addr .. ": the server is closed", "ESOCKCLOSE"
  elseif not self.keeper and not start_keeper(self) then
    return nil, "listen at " .. addr .. ": the scope is cancelled", "ECANCELED"
  end
  local options = self.options
  local socket, message, code = open(engine, addr, function(conn, remote)
    accept(self, conn, remote)
  end, {
    backlog = options.backlog,
    decoder = decoder_of(options),
    fd = options.fd,
    max_connections = options.max_connections,
    mode = options.mode,
    on_error = options.on_accept_error,
    reuse_port = options.reuse_port,
  })
  if not socket then
    if #self.sockets == 0 then
      self:Close()
    end
    return nil, message, code
  end
  self.sockets[#self.sockets + 1] = socket
  return self
end

--- Stops listening, ends idle connections, and waits until requests under way were answered: for
--- up to `deadline_ms`, then they are cancelled. A handler that calls it does not wait.
--- @return true? done
--- @return string? message
--- @return string? code `"ETIMEDOUT"` when something had to be cancelled
---@async
function Server:Shutdown(deadline_ms)
  check.self("Shutdown", self, "http.server")
  check.timeout("Shutdown", 1, deadline_ms)
  deadline_ms = deadline_ms or limits.shutdown_ms
  ending.begin(self, deadline_ms)
  local keeper, is_late = self.keeper, false
  if not keeper or keeper:IsDone() then
    return true
  end
  local timer = deadline_ms > 0
    and deadline_ms < math.huge
    and sched.timer(deadline_ms, function()
      if not keeper:IsDone() then
        is_late = true
        ending.end_all(self)
      end
    end)
  if not sched.current() or ending.is_inside(self) then
    return true
  end
  keeper:Join()
  if timer then
    timer:UnRegister()
  end
  if is_late then
    local message = "requests were cancelled after %g ms"
    return nil, message:format(deadline_ms), "ETIMEDOUT"
  end
  return true
end

--- Ends the server at once: handlers are cancelled. A second time it does nothing.
---@async
function Server:Close()
  check.self("Close", self, "http.server")
  self:Shutdown(0)
end

--- The address that it listens at, with the port that the kernel chose: of the first, or the n-th.
function Server:GetSockAddr(n)
  check.self("GetSockAddr", self, "http.server")
  local socket = self.sockets[n or 1]
  if not socket then
    return nil, "the server does not listen", "ESOCKCLOSE"
  end
  return socket:GetSockAddr()
end

--- Whether it was closed, or is shutting down.
function Server:IsClosed()
  check.self("IsClosed", self, "http.server")
  return self.is_closing
end

--- Counters since the server was made, and what there is now.
function Server:Stats()
  check.self("Stats", self, "http.server")
  local active = 0
  for _, one in ipairs(self.exchanges) do
    active = active + (one.req and 1 or 0)
  end
  return {
    connections = self.count,
    active = active,
    accepted = self.accepted,
    refused = self.refused,
    requests = self.requests,
    errors = self.errors,
    violations = self.violations,
    timeouts = self.timeouts,
    failures = self.failures,
  }
end

local serve = {}

--- A server that does not listen yet: `{ handler = fn, … }`.
function serve.server(options)
  check.type("server", 1, options, "table")
  local given = {}
  for name, value in pairs(options) do
    given[name] = value
  end
  given.handler = nil
  check_handler("server", 1, options.handler)
  check.options("server", 1, given, state.OPTIONS)
  return setmetatable(state.new(options.handler, given), Server)
end

--- Listens at `addr` and runs `handler(req, res)` in a task for every request.
---@async
function serve.serve(addr, handler, options)
  check.type("serve", 1, addr, "string")
  check_handler("serve", 2, handler)
  check.options("serve", 3, options, state.OPTIONS)
  local self = setmetatable(state.new(handler, options or {}), Server)
  return self:Listen(addr)
end

serve.Server = Server

return serve
