--- One connection that is made again when it breaks.
---
--- ```text
---            dial         hello, on_connect          ends
--- down ------------> new ------------------> up -------------> down      after a pause, again
--- ```
---
--- A task keeps it, in the scope that the link was made in. Nobody but that task changes `peer`.

local backoff = require("chuck.co.backoff")
local errors = require("chuck.rpc.errors")
local limits = require("chuck.rpc.limits")
local link = require("chuck.rpc.link")
local peer = require("chuck.rpc.peer")
local report = require("chuck.co.report")
local sched = require("chuck.co.sched")

local uplink = {}

---@class chuck.rpc.Uplink
local Uplink = {}
Uplink.__index = Uplink

--- Runs a hook; false and a message when it has raised, which is told.
local function run_hook(self, name, ...)
  local hook = self.options[name]
  if not hook then
    return true
  end
  local fine, problem = sched.pcall(hook, ...)
  if not fine then
    if sched.is_stop(problem) then
      error(problem, 0)
    end
    report.tell(sched.current(), problem, ("in the %s hook of %s"):format(name, self.name))
    local text = "%s: the %s hook has failed: %s"
    return false, text:format(self.name, name, errors.text_of(problem, limits.text))
  end
  return true
end

--- What the task of on_connect does; calls of the owner that it makes go to the new peer.
local function greet(self, fresh)
  local task = sched.current()
  self.options.fresh[task] = fresh
  local fine, problem = sched.pcall(function()
    self.is_greeted, self.refusal = run_hook(self, "on_connect", self.owner, fresh)
  end)
  self.options.fresh[task] = nil
  self.hook = false
  link.tell_waiters(fresh)
  if not fine then
    error(problem, 0)
  end
end

--- Has on_connect called, which ends when the connection does. False and a message when it has
--- failed.
---@async
local function welcome(self, fresh)
  if not self.options.on_connect then
    return true
  end
  self.is_greeted, self.refusal = false, false
  self.hook = sched.spawn(greet, self, fresh)
  while self.hook and not fresh.ended do
    peer.await(fresh)
  end
  if self.hook then
    self.hook:Cancel()
    self.hook = false
  end
  return self.is_greeted, self.refusal or self.name .. ": the on_connect hook was cancelled"
end

--- Dials, and waits until the other side is known to speak. A peer; or nil, message, code.
---@async
local function connect(self)
  local stream, message, code = self.dial(self.options.connect_ms)
  if not stream then
    return nil, message, code
  end
  local fresh = peer.new(stream, self.config)
  self.fresh = fresh
  local is_ready
  is_ready, message, code = fresh:Ready(self.options.hello_ms)
  if is_ready then
    is_ready, message = welcome(self, fresh)
    code = "ESOCKCLOSE"
  end
  if fresh.ended then
    message = fresh.ended.message
  end
  if not is_ready or fresh.ended then
    fresh:Close()
    self.fresh = false
    return nil, message, code
  end
  self.fresh = false
  return fresh
end

--- Is up until the connection ends.
---@async
local function stay(self, fresh)
  local began = sched.now()
  self.peer, self.message, self.code = fresh, false, false
  self.options.on_up(self.owner)
  local _, message, code = fresh:Wait()
  self.peer = false
  self.message, self.code = message, code
  if sched.now() - began > self.backoff.longest then
    self.backoff:Reset()
  end
  run_hook(self, "on_disconnect", self.owner, message, code)
end

---@async
local function keep(self)
  while not self.is_closed do
    local fresh, message, code = connect(self)
    if fresh then
      stay(self, fresh)
    else
      self.message, self.code = message, code
      if code == "ESRCH" then
        return
      end
    end
    if not self.is_closed then
      sched.parking()
      sched.park(self.pausing, self.backoff:Next())
    end
  end
end

--- Whatever ends the keeper, the connection goes with it, and those who wait for one are told.
---@async
local function guard(self)
  local fine, problem = sched.pcall(keep, self)
  self.is_over = true
  local left = self.peer or self.fresh
  self.peer, self.fresh = false, false
  if left then
    left:Close()
  end
  if self.hook then
    self.hook:Cancel()
  end
  self.options.on_over(self.owner)
  if not fine then
    error(problem, 0)
  end
end

local function stay_put() end

--- A link that `dial(timeout_ms)` connects: it returns a stream, or nil, message, code. With the
--- code
--- `"ESRCH"` there is nobody any more, and never will be.
function uplink.new(owner, name, dial, config, options)
  return setmetatable({
    owner = owner,
    name = name,
    dial = dial,
    config = config,
    options = options,
    backoff = backoff.new(options.backoff_ms, options.backoff_max_ms, options.random),
    pausing = { what = "pause before the next connection to " .. name, Leave = stay_put },
    --- The peer, while it is up; and while nobody but the hook may use it.
    peer = false,
    fresh = false,
    --- The task of on_connect, whether that has returned, and what it has raised.
    hook = false,
    is_greeted = false,
    refusal = false,
    --- Why it is not up, once that is known.
    message = false,
    code = false,
    --- Closed from this side; over, for whatever reason: it is never up again.
    is_closed = false,
    is_over = false,
    keeper = false,
  }, Uplink)
end

--- Begins to connect. Returns the task that keeps the link.
function Uplink:Start()
  self.keeper = sched.spawn(guard, self)
  return self.keeper
end

--- Ends the link. Any number of times, from anywhere.
function Uplink:Close()
  if self.is_closed then
    return
  end
  self.is_closed = true
  if self.peer then
    self.peer:Close()
  else
    self.keeper:Cancel()
  end
end

return uplink
