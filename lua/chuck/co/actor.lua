--- Tasks that others know by name and talk to by messages.
---
---     actor.spawn("echo", function(self)
---       for _, message, reply in self:Messages() do reply:Set(message) end
---     end)
---     print(actor.find("echo"):Call("hello", 1000))   --> hello
---
--- Messages wait in a mailbox, in order. An actor that fails can be started again, after a while,
--- so many times.

local channel = require("chuck.co.channel")
local check = require("chuck.support.check")
local ending = require("chuck.co.ending")
local future = require("chuck.co.future")
local report = require("chuck.co.report")
local sched = require("chuck.co.sched")
local scope = require("chuck.co.scope")
local waiters = require("chuck.co.waiters")

local actor = {}

--- Messages that may wait.
local MAILBOX = 1024

--- The time in which failures are counted, and the shortest and longest wait before a restart.
local WITHIN, BACKOFF, BACKOFF_MAX = 60000, 100, 10000

local OPTIONS = {
  mailbox = "count",
  restarts = "count",
  within_ms = "milliseconds",
  backoff_ms = "milliseconds",
  backoff_max_ms = "milliseconds",
  on_failure = "function",
  scope = "scope",
}

--- Actors that have not ended, by name and in the order of their making, and the run of the
--- scheduler that they belong to.
local names, everyone, run = {}, waiters.new(), false

--- Forgets the actors of a run that was broken off.
local function look_around()
  local root = sched.root()
  if root ~= run then
    names, everyone, run = {}, waiters.new(), root
  end
end

---@class chuck.co.Actor
local Actor = {}
Actor.__index = Actor
Actor.__metatable = "actor"

--- A message whose sender waits for an answer.
local Request = {}

--- Tells everyone who still waits for an answer that there will be none.
local function fail_calls(self, message, code)
  while self.calls.count > 0 do
    self.calls:Take():Fail(message, code)
  end
end

--- The actor has ended: its name is free, and nobody waits for it any more.
local function finish(self)
  if names[self.name] == self then
    names[self.name] = nil
    everyone:Leave(self)
  end
  local message = ("actor %s has ended"):format(self.name)
  local mailbox = self.mailbox
  mailbox:Close()
  fail_calls(self, message, "EPIPE")
  while mailbox:Len() > 0 do
    local _, value = channel.try_recv(mailbox)
    if getmetatable(value) == Request then
      value.reply:Fail(message, "EPIPE")
    end
  end
end

--- Runs the actor's function once, with whatever tasks it starts: whether it has failed, then the
--- error and a traceback, or the results.
local function live(self, fn)
  local children, child
  local fine, problem = sched.pcall(scope.open, function(opened)
    children = opened
    child = opened:Spawn(fn, self)
    self.life = child
  end)
  local failure = child and child.failure
  if fine and failure then
    -- It was cancelled.
    return false, nil, failure.error.message, failure.error.code
  elseif fine then
    return false, child:Join()
  end
  local failed = children.failure and children.failure.task
  return true, problem, failed and failed.failure.traceback or ""
end

--- Counts a failure: how many there were lately.
local function count_failure(self, now)
  local lately = { now }
  for _, at in ipairs(self.failures) do
    if now - at < self.within_ms then
      lately[#lately + 1] = at
    end
  end
  self.failures = lately
  return #lately
end

--- The time before the next start: twice as long with each failure.
local function pause_after(self, count)
  local pause = self.backoff_ms
  for _ = 2, count do
    pause = math.min(2 * pause, self.backoff_max_ms)
  end
  return math.min(pause, self.backoff_max_ms)
end

local function tell(self, problem, traceback)
  if not self.on_failure then
    return report.tell(sched.current(), problem, traceback)
  end
  local fine, why = pcall(self.on_failure, self, problem, traceback)
  if not fine then
    report.tell(sched.current(), why, "in on_failure of actor " .. self.name)
  end
end

local supervise

--- What is to follow a life of the actor.
local function go_on(self, fn, has_failed, ...)
  if not has_failed then
    return ...
  end
  local problem, traceback = ...
  local count = count_failure(self, sched.now())
  if count > self.max_restarts or self.mailbox:IsClosed() then
    local text = "actor %s has failed %d times in %g ms, last by: %s\n%s"
    problem = report.text(problem)
    error(text:format(self.name, count, self.within_ms, problem, traceback), 0)
  end
  tell(self, problem, traceback)
  fail_calls(self, ("actor %s has failed"):format(self.name), "EFAULT")
  sched.sleep(pause_after(self, count))
  self.restarts = self.restarts + 1
  return supervise(self, fn)
end

function supervise(self, fn)
  return go_on(self, fn, live(self, fn))
end

local function new(name, options)
  return setmetatable({
    name = name,
    mailbox = channel.new(options.mailbox or MAILBOX),
    --- Who was told a message and is to answer.
    calls = waiters.new(),
    --- The task that it lives in, or that watches over it; then the one that it lives in now.
    task = false,
    life = false,
    --- How many times it was started again, and may be in `within_ms`.
    restarts = 0,
    max_restarts = options.restarts or 0,
    within_ms = options.within_ms or WITHIN,
    backoff_ms = options.backoff_ms or BACKOFF,
    backoff_max_ms = options.backoff_max_ms or BACKOFF_MAX,
    --- Times of the failures that still count.
    failures = {},
    on_failure = options.on_failure or false,
  }, Actor)
end

--- Starts `fn(actor)` in a task that others find by name. The actor; `nil, message, "EEXIST"` while
--- another one has the name.
function actor.spawn(name, fn, options)
  check.type("actor", 1, name, "string")
  check.type("actor", 2, fn, "function")
  check.options("actor", 3, options, OPTIONS)
  options = options or {}
  look_around()
  if names[name] then
    return nil, ("there is an actor %s already"):format(name), "EEXIST"
  end
  local home = options.scope or sched.home()
  if home.is_open == false then
    return nil, "closed", "EPIPE"
  end
  local self = new(name, options)
  if self.max_restarts == 0 then
    self.task = sched.start(home, fn, self)
  else
    self.task = sched.start(home, supervise, self, fn)
  end
  names[name] = self
  everyone:Add(self)
  ending.watch(self.task, function()
    finish(self)
  end)
  return self
end

--- The actor of a name; nil when there is none.
function actor.find(name)
  check.type("find_actor", 1, name, "string")
  look_around()
  return names[name]
end

--- Sends a message to every actor but those whose names are listed, without waiting: how many have
--- got it, and how many have not, because their mailbox is full or closed.
function actor.broadcast(message, except)
  local is_left_out = {}
  if except ~= nil then
    check.type("broadcast", 2, except, "table")
    for _, name in ipairs(except) do
      is_left_out[name] = true
    end
  end
  local told, missed = 0, 0
  look_around()
  for place = everyone.first, everyone.last do
    local self = everyone[place]
    if self and not is_left_out[self.name] then
      if channel.try_send(self.mailbox, message) then
        told = told + 1
      else
        missed = missed + 1
      end
    end
  end
  return told, missed
end

--- What a receiver is told: the message, and the future of who waits for an answer, or
--- `nil, why, code`.
function actor.opened(self, outcome, value)
  if outcome == sched.DONE and getmetatable(value) == Request then
    local reply = value.reply
    if not reply:IsDone() then
      self.calls:Add(reply)
      reply.calls = self.calls
    end
    return value.message, reply
  end
  return channel.received(outcome, value)
end

--- Puts a message into the mailbox; parks while that is full. True, or `nil, why, code`: `"EPIPE"`
--- when the actor has ended or was stopped, `"ETIMEDOUT"`.
---@async
function Actor:Send(message, timeout_ms)
  check.self("Send", self, "actor")
  check.timeout("Send", 2, timeout_ms)
  if channel.try_send(self.mailbox, message) then
    return true
  end
  if not self.mailbox:IsClosed() then
    sched.parking()
  end
  return self.mailbox:Send(message, timeout_ms)
end

--- As `Send`, without waiting: also `nil, "full", "EAGAIN"`.
function Actor:TrySend(message)
  check.self("TrySend", self, "actor")
  return self.mailbox:TrySend(message)
end

--- A wait for an answer. Whoever gives up settles the future, and the actor sees it.
local Asking = { what = "actor" }
Asking.__index = Asking

function Asking:Leave(task)
  self.reply.list:Leave(task)
  self.reply:Fail("the caller has gone", "ECANCELED")
end

--- Sends a message and parks until the actor answers it, by `reply:Set(...)`: those values.
--- Otherwise `nil, message, code`: `"ETIMEDOUT"`; `"EPIPE"`: the actor has ended;
--- `"EFAULT"`: it has failed meanwhile and starts again.
---@async
function Actor:Call(message, timeout_ms)
  check.self("Call", self, "actor")
  check.timeout("Call", 2, timeout_ms)
  local task = sched.parking()
  if task == self.task or task == self.life then
    error("an actor cannot wait for its own answer", 2)
  end
  local give_up = timeout_ms and sched.now() + timeout_ms
  local reply = future.new()
  local request = setmetatable({ message = message, reply = reply }, Request)
  local sent, why, code = self.mailbox:Send(request, timeout_ms)
  if not sent then
    return nil, why, code
  elseif not reply:IsDone() then
    sched.parking()
    local left = give_up and math.max(give_up - sched.now(), 0)
    local asking = setmetatable({ reply = reply }, Asking)
    future.list_of(reply):Add(task)
    if sched.park(asking, left) == sched.TIMEOUT then
      return nil, "timeout", "ETIMEDOUT"
    end
  end
  return reply:Get()
end

--- The oldest message, and a future to `Set` when its sender waits for an answer; parks while there
--- is none. Otherwise `nil, why, code`: `"EPIPE"` when it was stopped and nothing is left.
---@async
function Actor:Recv(timeout_ms)
  check.self("Recv", self, "actor")
  check.timeout("Recv", 1, timeout_ms)
  local mailbox = self.mailbox
  local outcome, value = channel.try_recv(mailbox)
  if not outcome then
    local task = sched.parking()
    mailbox.receivers:Add(task)
    outcome, value = sched.park(mailbox.receivers, timeout_ms)
  end
  return actor.opened(self, outcome, value)
end

--- As `Recv`, without waiting: also `nil, "empty", "EAGAIN"`.
function Actor:TryRecv()
  check.self("TryRecv", self, "actor")
  local outcome, value = channel.try_recv(self.mailbox)
  if not outcome then
    return nil, "empty", "EAGAIN"
  end
  return actor.opened(self, outcome, value)
end

local function next_message(self, n)
  local mailbox = self.mailbox
  local outcome, value = channel.try_recv(mailbox)
  if not outcome then
    local task = sched.parking()
    mailbox.receivers:Add(task)
    outcome, value = sched.park(mailbox.receivers)
  end
  if outcome == sched.DONE then
    return n + 1, actor.opened(self, outcome, value)
  end
end

--- `for n, message, reply in self:Messages() do`: until it is stopped and nothing is left. Not for
--- Lua 5.1, where an iterator cannot park.
function Actor:Messages()
  check.self("Messages", self, "actor")
  return next_message, self, 0
end

--- Takes no more messages: those in the mailbox are still received, then `Recv` says closed. It is
--- not started again.
function Actor:Stop()
  check.self("Stop", self, "actor")
  self.mailbox:Close()
end

--- Has its task end, at the wait that it is in or comes to. False when it has ended already.
function Actor:Cancel(message)
  check.self("Cancel", self, "actor")
  check.message("Cancel", 1, message)
  return self.task:Cancel(message)
end

--- Parks until it has ended: what its function has returned, or as `task:Join`.
---@async
function Actor:Join(timeout_ms)
  check.self("Join", self, "actor")
  check.timeout("Join", 1, timeout_ms)
  if not self.task:IsDone() then
    sched.parking()
  end
  return self.task:Join(timeout_ms)
end

--- Its name.
function Actor:Name()
  check.self("Name", self, "actor")
  return self.name
end

--- Whether it has ended; then the name is free.
function Actor:IsDone()
  check.self("IsDone", self, "actor")
  return self.task:IsDone()
end

--- How many times it was started again.
function Actor:Restarts()
  check.self("Restarts", self, "actor")
  return self.restarts
end

return actor
