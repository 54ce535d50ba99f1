--- One link to a server that is made again when it breaks.
---
--- ```text
---         locate, dial, greet                  ends
--- down -----------------------> up ---------------------> down     after a pause, again
--- ```
---
--- A task keeps it, in the scope that it was made in. Nobody but that task sets `link`; the end of
--- the link takes it away at once. Who needs a link while there is none waits for the next.

local backoff = require("chuck.co.backoff")
local link = require("chuck.redis.link")
local outcome = require("chuck.redis.outcome")
local report = require("chuck.co.report")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local keeper = {}

--- Runs `hook`, if there is one, in a task of its own: an error in it is told, and ends nothing.
--- `name` is what it is, `place` of whom.
function keeper.run_hook(hook, name, place, ...)
  if not hook then
    return
  end
  sched.spawn(function(...)
    local fine, problem = sched.pcall(hook, ...)
    if fine then
      return
    elseif sched.is_stop(problem) then
      error(problem, 0)
    end
    report.tell(sched.current(), problem, ("in the %s hook of %s"):format(name, place))
  end, ...)
end

---@class chuck.redis.Keeper
local Keeper = {}
Keeper.__index = Keeper

--- Runs a hook of the program in a task of its own: an error in it is told, and ends nothing.
function Keeper:RunHook(name, ...)
  keeper.run_hook(self.options[name], name, self.place, ...)
end

--- The address to connect to, which may be another each time; or `nil, message, code`.
---@async
local function locate(self)
  local options = self.options
  if not options.locate then
    return options.place
  end
  local place, message, code = options.locate(options.connect_ms)
  if place then
    self.place = place
  end
  return place, message, code
end

--- A link that is ready; or `nil, message, code[, err]`.
---@async
local function connect(self)
  local place, message, code = locate(self)
  if not place then
    return nil, message, code
  end
  self.attempts = self.attempts + 1
  local fresh, err
  fresh, message, code, err = link.open(place, self.options)
  if not fresh then
    return nil, message, code, err
  end
  if self.options.verify then
    local fine
    fine, message, code, err = self.options.verify(fresh)
    if not fine then
      fresh:Close()
      return nil, message, code, err
    end
  end
  return fresh
end

--- Asks the server whether it is there.
local PROBE = { taker = function() end, loser = function() end }

--- The part of a pause in which not one byte has to come for it to be silent.
local MOST = 0.9

--- Waits for the end of the link; after too long a silence it ends it. There is none while a large
--- reply is on its way, or a large command.
---@async
local function watch(self, fresh)
  local pause = self.options.heartbeat_ms
  if pause == 0 then
    return fresh:Wait()
  end
  local seen, queued, is_asked = -1, 0, false
  while not fresh:Wait(pause) do
    local received = fresh:Received() + fresh.pushes
    local left = fresh.conn:QueuedBytes()
    if is_asked and received == seen and fresh.is_quiet and left >= queued then
      fresh:Close("ETIMEDOUT", ("silent for %g ms"):format(2 * pause))
    elseif is_asked then
      is_asked = false
      fresh:Listen(0)
    elseif received == seen then
      is_asked = true
      fresh:Submit(setmetatable({}, { __index = PROBE }), "PING")
      fresh:Listen(math.max(1, math.floor(MOST * pause)))
    end
    seen, queued = received, left
  end
end

--- Is up until the link ends.
---@async
local function stay(self, fresh)
  local began = sched.now()
  self.connects = self.connects + 1
  fresh.on_end = function()
    self.link = false
    self.replies = self.replies + fresh:Received()
    self.on_loss(fresh)
  end
  if fresh.ended then
    -- While its last greeting was on the way here.
    fresh:on_end()
  else
    self.link, self.failure = fresh, false
    self.waiting:Finish(sched.DONE)
  end
  self:RunHook("on_connect", self.owner)
  watch(self, fresh)
  self.link, self.failure = false, fresh.ended
  if sched.now() - began > self.options.backoff_max_ms then
    self.pause:Reset()
  end
  if not self.is_closed then
    self.losses = self.losses + 1
    self:RunHook("on_disconnect", self.owner, fresh.ended.message, fresh.ended.code)
  end
end

--- What a server refuses will not be different soon: who waits is told.
local function refuse(self, message, code, err)
  self.failure = { message = message, code = code, err = err }
  if err then
    self.waiting:Finish(sched.DONE)
  end
end

---@async
local function keep(self)
  while not self.is_closed do
    local fresh, message, code, err = connect(self)
    if fresh and self.is_closed then
      fresh:Close()
    elseif fresh then
      stay(self, fresh)
    else
      refuse(self, message, code, err)
    end
    if not self.is_closed then
      sched.parking()
      sched.park(self.pausing, self.pause:Next())
    end
  end
end

--- Whatever ends the keeper, the link goes with it, and those who wait for one are told.
local function conclude(self)
  self.is_closed, self.is_over = true, true
  if self.link then
    self.link:Close()
  end
  self.waiting:Finish(sched.DONE)
  self.on_over()
end

---@async
local function guard(self)
  local fine, problem = sched.pcall(keep, self)
  conclude(self)
  if not fine then
    error(problem, 0)
  end
end

local function stay_put() end

local function ignore() end

--- Keeps a link with `options` (redis/options.lua) for `owner`, who is given to hooks.
function keeper.new(owner, options)
  local self = setmetatable({
    owner = owner,
    options = options,
    --- Where the server is, as far as is known.
    place = options.place,
    --- The link that is up, or false.
    link = false,
    --- Why there is none: `message`, `code`, and of an error reply `err`.
    failure = false,
    pause = backoff.new(options.backoff_ms, options.backoff_max_ms),
    pausing = { what = "pause before the next connection to " .. options.place, Leave = stay_put },
    --- Told at once when a link has ended, `on_loss(link)`, and when there will be none any more.
    on_loss = ignore,
    on_over = ignore,
    --- Tasks that wait for a link.
    waiting = waiters.new("a connection to " .. options.place),
    --- Attempts to connect, those that succeeded, and links that broke.
    attempts = 0,
    connects = 0,
    losses = 0,
    --- Replies that links brought that have ended.
    replies = 0,
    --- Closed by its owner; over: there will be no link any more.
    is_closed = false,
    is_over = false,
    task = false,
  }, Keeper)
  self.task = sched.start(options.home or sched.home(), guard, self)
  -- It may be cancelled before it has begun.
  self.task.on_drop = function()
    conclude(self)
  end
  return self
end

--- Why there is no link: `nil, message, code[, err]`.
local function absence(self, why)
  local failure = self.failure
  if self.is_closed then
    return outcome.none(self.place, "the client is closed", "ESOCKCLOSE")
  elseif failure then
    return nil,
      why and ("%s (%s)"):format(failure.message, why) or failure.message,
      failure.code,
      failure.err
  end
  return outcome.none(self.place, why or "not connected", "ETIMEDOUT")
end

--- Parks until there is a link: as `Link`, without a limit to how many wait.
---@async
function Keeper:Await(timeout_ms)
  timeout_ms = timeout_ms or math.huge
  local give_up = sched.now() + timeout_ms
  while not self.link and not self.is_closed do
    local left = math.max(give_up - sched.now(), 0)
    if not self.waiting:Wait(sched.parking(), left) then
      return absence(self, ("no connection in %g ms"):format(timeout_ms))
    elseif self.failure and self.failure.err then
      return absence(self)
    end
    -- A link that has ended before its turn came: the next may be better.
  end
  if self.link then
    return self.link
  end
  return absence(self)
end

--- The link that is up; parks while there is none. `nil, message, code[, err]` when the time has
--- passed, when the server refuses us, and when too many wait already.
---@async
function Keeper:Link(timeout_ms)
  if self.link then
    return self.link
  elseif not self.is_closed and self.waiting.count >= self.options.queue then
    local failure = self.failure
    local why = ("%d commands wait for a connection already"):format(self.waiting.count)
    return outcome.none(failure and failure.message or self.place, why, "ENOBUFS")
  end
  return self:Await(timeout_ms)
end

--- Ends the link, and the attempts to make another. Any number of times, from anywhere.
function Keeper:Close()
  if self.is_closed then
    return
  end
  self.is_closed = true
  if self.link then
    self.link:Close()
  end
  self.task:Cancel()
end

return keeper
