--- Where calls go: to the one of some links that is up and has the least to do.
---
---     client:Call("add", 1, 2)          -- waits for a connection, then for the answer, in one
--- time
---
--- A call that was refused before it was served is tried at another link. One that was under way
--- when its connection broke has failed, and is made again only when it is marked idempotent.

local caller = require("chuck.rpc.caller")
local check = require("chuck.support.check")
local compat = require("chuck.support.compat")
local config = require("chuck.rpc.config")
local errors = require("chuck.rpc.errors")
local limits = require("chuck.rpc.limits")
local uplink = require("chuck.rpc.uplink")
local offer = require("chuck.rpc.offer")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local pack, unpack = compat.pack, compat.unpack
local call_for, is_name, name_trouble = caller.call_for, caller.is_name, caller.name_trouble

local remote = {}

---@class chuck.RpcClient
local Remote = {}
Remote.__index = Remote
Remote.__metatable = "rpc.client"

local CALL_OPTIONS = { timeout_ms = "milliseconds", idempotent = "boolean" }
local OPEN_OPTIONS = { timeout_ms = "milliseconds" }

local NONE = {}

--- The peer that a call goes to, or false: the one with the fewest calls under way, of those that
--- are up; in turn when they have as many.
local function pick(self, tried)
  local links, n = self.links, self.size
  local best, least, place = false, math.huge, 0
  local at = self.turn
  for _ = 1, n do
    at = at % n + 1
    local peer = links[at].peer
    local is_live = peer and not peer.ended and not peer.is_mute
    if is_live and peer.in_flight < least and not (tried and tried[peer]) then
      best, least, place = peer, peer.in_flight, at
    end
  end
  if best then
    self.turn = place
  end
  return best
end

--- Why no call can be made, or why none could until now: message and code.
local function trouble(self)
  if self.is_closed then
    return self.name .. ": closed from this side", "ESOCKCLOSE"
  end
  local one = self.links[1]
  for i = 2, self.size do
    -- What one that still tries has met says more.
    if one.is_over or not one.message then
      one = self.links[i]
    end
  end
  return one.message or self.name .. ": no connection yet", one.code or "ETIMEDOUT"
end

--- Lets those look again who wait for a connection.
local function tell_waiting(self)
  local list = self.waiting
  for _ = 1, list.count do
    sched.wake(list:Take(), true)
  end
end

local function is_over(self)
  for i = 1, self.size do
    local one = self.links[i]
    -- Who is cancelled before it has begun cannot say that it is over.
    if not one.is_over and not one.keeper:IsDone() then
      return false
    end
  end
  return true
end

--- What is done at once or not at all is not done.
local function unconnected(self)
  local message = trouble(self)
  return nil, message, "ESOCKCLOSE"
end

--- The peer for what is done now, or false: a hook of a new connection logs in at that one.
local function choose(self, tried)
  return self.fresh[sched.current() or self] or pick(self, tried)
end

--- The current task, which is about to wait; outside of tasks it raises, at the caller's line.
local function expect_task()
  if not sched.current() then
    errors.blame("this call waits, and only a task can wait: use it inside of co.run or co.spawn")
  end
  return sched.parking()
end

--- A peer, for which the task waits until `give_up` at the most; or nil, message, code.
---@async
local function await(self, name, give_up, tried)
  local task = expect_task()
  local peer = choose(self, tried)
  local began = sched.now()
  while not peer do
    if self.is_closed or is_over(self) then
      local message = trouble(self)
      return nil, ("%s: %s"):format(name, message), "ESOCKCLOSE"
    elseif self.waiting.count >= self.config.calls then
      local text = "%s: %d calls wait for a connection to %s already"
      return nil, text:format(name, self.waiting.count, self.name), "EBUSY"
    end
    local left = give_up - sched.now()
    local is_late = left <= 0
    if not is_late then
      sched.parking()
      self.waiting:Add(task)
      is_late = sched.park(self.waiting, left) == sched.TIMEOUT
    end
    peer = pick(self)
    if is_late and not peer then
      local message, code = trouble(self)
      local text = "%s: no connection in %g ms: %s"
      return nil, text:format(name, sched.now() - began, message), code
    end
  end
  return peer
end

--- Whether a call that has failed may be made again, elsewhere or later.
local function may_retry(self, options, attempts, tried, peer, code)
  if attempts > self.retries or self.is_closed then
    return false
  elseif code == "EBUSY" then
    -- It was refused before it was served.
    tried[peer] = true
    return pick(self, tried) ~= false
  end
  return peer.ended and code == peer.ended.code and options.idempotent
end

--- Makes a call, where there is somebody to make it to.
---@async
local function call(self, method, first, options, name, args)
  local task = expect_task()
  local timeout_ms = options.timeout_ms or self.config.timeout_ms
  local give_up = sched.now() + timeout_ms
  local tried, attempts = {}, 0
  while true do
    local until_when = math.min(give_up, sched.now() + self.wait_ms)
    local peer, message, code = await(self, name, until_when, tried)
    if not peer then
      -- Who calls again and again must not keep everybody else from running.
      sched.yield()
      return nil, message, code
    end
    attempts = attempts + 1
    peer.failed, peer.unsent = false, peer.unsent and true
    local left = give_up - sched.now()
    -- The default timeout is the cheaper one.
    local own_ms = left ~= self.config.timeout_ms and math.max(left, 0) or nil
    local results = pack(call_for(peer, method, first, own_ms, name, unpack(args, 1, args.n)))
    local again = false
    if peer.failed == task then
      again = may_retry(self, options, attempts, tried, peer, results[3])
    elseif peer.unsent == task then
      -- It was not sent: it may be, by another connection, or by this one later.
      sched.yield()
      again = peer.is_mute
    end
    if not again or sched.now() >= give_up then
      return unpack(results, 1, results.n)
    end
  end
end

--- Calls a service and waits for its results, and before for a connection.
---@async
function Remote:Call(name, ...)
  if not is_name(name) then
    errors.raise("Call", 1, name_trouble(name))
  end
  if self.size == 1 then
    local peer = self.links[1].peer
    local has_room = peer and not peer.ended and peer.in_flight < peer.most_calls
    if has_room and not peer.unsent then
      return peer:Call(name, ...)
    end
  end
  return call(self, "Call", 1, NONE, name, pack(...))
end

--- As `Call`, with options.
---@async
function Remote:CallWith(options, name, ...)
  check.type("CallWith", 1, options, "table")
  check.options("CallWith", 1, options, CALL_OPTIONS)
  if not is_name(name) then
    errors.raise("CallWith", 2, name_trouble(name))
  end
  return call(self, "CallWith", 2, options, name, pack(...))
end

--- Makes a call that could not be made at once, and tells the callback.
local function call_later(self, callback, name, args)
  local results = pack(sched.pcall(call, self, "CallAsync", 2, NONE, name, args))
  self.queued = self.queued - 1
  if results[1] then
    return callback(unpack(results, 2, results.n))
  end
  local problem = results[2]
  local is_stop = sched.is_stop(problem)
  local text = errors.text_of(problem, limits.text)
  callback(nil, text, is_stop and problem.code or "EINVAL")
  if is_stop then
    error(problem, 0)
  end
end

--- Calls a service, and `callback` with its results, in a task of its own. It may be called outside
--- of tasks. True; or nil, message, code, and then the callback is not called.
function Remote:CallAsync(callback, name, ...)
  check.type("CallAsync", 1, callback, "function")
  if not is_name(name) then
    errors.raise("CallAsync", 2, name_trouble(name))
  end
  local peer = choose(self)
  if peer then
    return peer:CallAsync(callback, name, ...)
  elseif self.is_closed or is_over(self) then
    return unconnected(self)
  elseif self.queued >= self.config.calls then
    local text = "%s: %d calls wait for a connection to %s already"
    return nil, text:format(name, self.queued, self.name), "EBUSY"
  end
  self.queued = self.queued + 1
  sched.start(self.home, call_later, self, callback, name, pack(...))
  return true
end

--- Tells a service something, if there is a connection now: true; or nil, message, code. It may be
--- called outside of tasks.
function Remote:Notify(name, ...)
  if not is_name(name) then
    errors.raise("Notify", 1, name_trouble(name))
  end
  local peer = choose(self)
  if not peer then
    return unconnected(self)
  end
  return peer:Notify(name, ...)
end

Remote.Proxy = caller.methods.Proxy

--- Calls a service that takes or gives values while it runs, and waits for a connection before. A
--- stream ends with its connection.
---@async
function Remote:Open(name, ...)
  if not is_name(name) then
    errors.raise("Open", 1, name_trouble(name))
  end
  local wait_ms = math.min(self.config.timeout_ms, self.wait_ms)
  local peer, message, code = await(self, name, sched.now() + wait_ms)
  if not peer then
    return nil, message, code
  end
  return peer:Open(name, ...)
end

--- As `Open`, with a timeout for the whole.
---@async
function Remote:OpenWith(options, name, ...)
  check.type("OpenWith", 1, options, "table")
  check.options("OpenWith", 1, options, OPEN_OPTIONS)
  if not is_name(name) then
    errors.raise("OpenWith", 2, name_trouble(name))
  end
  local time = options.timeout_ms
  local give_up = sched.now() + (time or self.config.timeout_ms)
  local peer, message, code = await(self, name, math.min(give_up, sched.now() + self.wait_ms))
  if not peer then
    return nil, message, code
  end
  local rest = time and { timeout_ms = math.max(give_up - sched.now(), 0) } or NONE
  return peer:OpenWith(rest, name, ...)
end

--- Sends a packet of the program's own, if there is a connection now.
function Remote:SendPacket(packet)
  local peer = choose(self)
  if not peer then
    return unconnected(self)
  end
  return peer:SendPacket(packet)
end

--- Offers a service to the other side, of every connection from now on.
function Remote:Register(name, fn, options)
  return self.services:Register(name, fn, options)
end

--- Waits for a connection: true; or nil, message, code.
---@async
function Remote:Ready(timeout_ms)
  if timeout_ms ~= nil then
    check.type("Ready", 1, timeout_ms, "milliseconds")
  end
  local peer, message, code = await(self, "Ready", sched.now() + (timeout_ms or math.huge))
  if not peer then
    return nil, message, code
  end
  return true
end

--- The peers that are up, in the order of the addresses.
function Remote:Peers()
  local peers = {}
  for i = 1, self.size do
    local peer = self.links[i].peer
    if peer and not peer.ended then
      peers[#peers + 1] = peer
    end
  end
  return peers
end

--- The number of calls that wait for an answer of the other side, of those that are served, and of
--- those that wait for a connection.
function Remote:InFlight()
  local calls, served = 0, 0
  for _, peer in ipairs(self:Peers()) do
    local mine, theirs = peer:InFlight()
    calls, served = calls + mine, served + theirs
  end
  return calls, served, self.waiting.count
end

--- Ends every connection, and makes no more: what waits fails with `"ESOCKCLOSE"`. Any number of
--- times, from anywhere.
function Remote:Close()
  if self.is_closed then
    return
  end
  self.is_closed = true
  for i = 1, self.size do
    self.links[i]:Close()
  end
  tell_waiting(self)
end

--- Whether it will never connect again: it was closed, or its scope has ended, or its threads have.
function Remote:IsClosed()
  return self.is_closed or is_over(self)
end

--- Options of whoever makes one: those of a configuration, and of links.
remote.OPTIONS = {
  wait_ms = "milliseconds",
  retries = "number",
  connect_ms = "milliseconds",
  hello_ms = "milliseconds",
  backoff_ms = "milliseconds",
  backoff_max_ms = "milliseconds",
  on_connect = "function",
  on_disconnect = "function",
}
for name, kind in pairs(config.OPTIONS) do
  remote.OPTIONS[name] = kind
end

local function name_of(places)
  local others = #places - 1
  return places[1].name .. (others > 0 and (" and %d more"):format(others) or "")
end

--- What a link takes of the options.
local function for_links(options, fresh)
  local made = {
    on_connect = options.on_connect,
    on_disconnect = options.on_disconnect,
    random = options.random,
    fresh = fresh,
    on_up = tell_waiting,
    on_over = tell_waiting,
  }
  for _, name in ipairs({ "connect_ms", "hello_ms", "backoff_ms", "backoff_max_ms" }) do
    made[name] = options[name] or limits[name]
  end
  return made
end

--- Links to places, `{ name =, dial = }` each, for the function `method`.
function remote.new(method, places, made, options)
  local name = name_of(places)
  local self = setmetatable({
    name = name,
    config = made,
    services = offer.own(options.services, method, 2),
    --- How long a call waits for a connection at most, in milliseconds.
    wait_ms = options.wait_ms or math.huge,
    retries = options.retries or limits.retries,
    links = {},
    size = #places,
    --- Peers that only their hook may use yet, by its task.
    fresh = {},
    --- The place of the link that was chosen last.
    turn = 0,
    --- Tasks that wait for a connection; how many of them were started here, and in which scope.
    waiting = waiters.new(),
    queued = 0,
    home = false,
    is_closed = false,
  }, Remote)
  self.waiting.what = "connection to " .. name
  made.services = self.services
  local link_options = for_links(options, self.fresh)
  for i, where in ipairs(places) do
    self.links[i] = uplink.new(self, where.name, where.dial, made, link_options)
  end
  for i = 1, self.size do
    self.home = self.links[i]:Start().home
  end
  return self
end

return remote
