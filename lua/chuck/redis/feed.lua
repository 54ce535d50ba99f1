--- What a server sends without being asked each time, kept until a task takes it: the base of
--- subscriptions and monitors.
---
--- ```text
---          dial, greet, ask           put                    Next
---  server ------------------> link ----------> | | | | | ------------> tasks, or a function
---                              ^ full: not read on      | at half: read on
---                              +------------------------+
--- ```
---
--- A feed has a connection of its own. A task keeps it, in the scope that the feed was made in:
--- lost, it is made again once the client has found the server. What was sent meanwhile is gone,
--- which is told as a gap. Nothing is dropped here: when the queue is full the connection is not
--- read, so that the server comes to keep what it sends; should that be too much for it, it ends
--- the connection, which is a loss as any other.

local backoff = require("chuck.co.backoff")
local limits = require("chuck.redis.limits")
local outcome = require("chuck.redis.outcome")
local options = require("chuck.redis.options")
local report = require("chuck.co.report")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local complete, parking, park = sched.complete, sched.parking, sched.park
local DONE, TIMEOUT = sched.DONE, sched.TIMEOUT

local feed = {}

--- Options of every feed.
feed.KINDS = {
  buffer = "positive integer",
  buffer_bytes = "positive integer",
  timeout_ms = "milliseconds",
  on_gap = "function",
}

--- Raises when a feed cannot be made here.
function feed.expect_task(name)
  if not sched.current() then
    outcome.blame(("'%s' is for tasks: use it inside of co.run or co.spawn"):format(name))
  end
end

--- Subscriptions and monitors of `client` that have not ended.
function feed.count(client)
  local count = 0
  for open in pairs(client.links) do
    count = open.is_feed and count + 1 or count
  end
  return count
end

--- Whether `client` may have one more: true, or `nil, message, code`.
function feed.has_room(client)
  local count, most = feed.count(client), client.options.subscriptions
  if count >= most then
    local why = ("there are %d subscriptions already, limit is %d"):format(count, most)
    return outcome.none(client.keeper.place, why, "EBUSY")
  end
  return true
end

--- A feed of `client` called `what`, with methods of `metatable` and options `how`. `kind` has
--- `ask(self, link)`, which sends what brings the messages; `take(self, link, value)`, told of all
--- that comes; `ping(self, link)`; and `lose(self)`, told that the link is gone.
function feed.new(metatable, kind, client, what, how, fn)
  how = how or {}
  return setmetatable({
    client = client,
    kind = kind,
    --- Tells it from a link, for its client.
    is_feed = true,
    --- For messages.
    what = what,
    place = client.keeper.place,
    --- How long it takes at most until the server has confirmed something.
    timeout_ms = how.timeout_ms or client.timeout_ms,
    --- Items stand from `first` to `last`, with their sizes; not more than `most`, and of bytes
    --- `most_bytes` and one item.
    items = {},
    sizes = {},
    first = 1,
    last = 0,
    bytes = 0,
    most = how.buffer or limits.buffer,
    most_bytes = how.buffer_bytes or limits.buffer_bytes,
    is_full = false,
    --- Tasks that wait for a confirmation: for them it is read on when it is full.
    asking = 0,
    --- Who waits for an item; who waits for anything else to happen.
    readers = waiters.new("message of " .. what),
    changes = waiters.new("confirmation of " .. what),
    --- Called with each item, in a task.
    fn = fn or false,
    on_gap = how.on_gap or false,
    --- The link, and whether all that was asked is confirmed on it.
    link = false,
    is_up = false,
    --- Whether items may have been lost since the last one, and whether `on_gap` is to be told.
    is_gap = false,
    is_untold = false,
    --- Why there is no link, of the last attempt; why the feed has ended.
    failure = false,
    ended = false,
    --- Items; whatever else has come; both when the heart beat last, and whether it has asked.
    received = 0,
    others = 0,
    seen = -1,
    is_asked = false,
    --- Counters.
    connects = 0,
    gaps = 0,
    pauses = 0,
    task = false,
  }, metatable)
end

--- Moves the items to the front.
local function tidy(self)
  local items, sizes, n = self.items, self.sizes, 0
  for i = self.first, self.last do
    n = n + 1
    items[n], sizes[n] = items[i], sizes[i]
    items[i], sizes[i] = nil, nil
  end
  self.first, self.last = 1, n
end

--- There is no more room: the server is not listened to, unless a task waits for what comes behind
--- the messages. Even then there is an end.
local function hold_back(self)
  self.is_full = true
  local ahead = self.asking > 0 and limits.buffer_ahead or 1
  local count = self.last - self.first + 1
  if count >= ahead * self.most or self.bytes >= ahead * self.most_bytes then
    self.pauses = self.pauses + 1
    self.link:Pause()
  end
end

--- Keeps an item, or gives it to the one who has waited longest.
function feed.put(self, item, size)
  self.received = self.received + 1
  if self.is_gap then
    self.is_gap = false
    item.gap = true
  end
  local readers = self.readers
  if readers.count > 0 then
    complete(readers:Take(), DONE, item)
    return
  end
  local most = self.most
  if self.last >= 2 * most and self.first > self.last / 2 then
    tidy(self)
  end
  local last = self.last + 1
  local bytes = self.bytes + size
  self.items[last], self.sizes[last] = item, size
  self.last, self.bytes = last, bytes
  if last - self.first + 1 >= most or bytes >= self.most_bytes then
    hold_back(self)
  end
end

--- Half of the room is free again.
local function read_on(self)
  local count = self.last - self.first + 1
  if count <= self.most / 2 and self.bytes <= self.most_bytes / 2 then
    self.is_full, self.is_asked, self.seen = false, false, -1
    if self.link then
      self.link:Resume()
    end
  end
end

--- Why there are no more items: `nil, message, code[, err]`.
function feed.ending(self)
  local ended = self.ended
  return nil, ended.message, ended.code, ended.err
end

--- The oldest item; parks while there is none. `nil, message, code` when there will be none, or not
--- in time.
---@async
function feed.next(self, timeout_ms)
  local first = self.first
  local item = self.items[first]
  if item then
    self.items[first] = nil
    local bytes = self.bytes - self.sizes[first]
    self.bytes = bytes
    if first == self.last then
      self.first, self.last = 1, 0
    else
      self.first = first + 1
    end
    if self.is_full then
      read_on(self)
    end
    return item
  elseif self.ended then
    return feed.ending(self)
  end
  local task, readers = parking(), self.readers
  readers:Add(task)
  local result
  result, item = park(readers, timeout_ms)
  if item then
    return item
  elseif result == TIMEOUT then
    return nil, ("%s: no message in %g ms"):format(self.what, timeout_ms), "ETIMEDOUT"
  end
  return feed.ending(self)
end

--- For `for item in …`, which on Lua 5.1 cannot wait.
---@async
function feed.step(self)
  return (feed.next(self))
end

--- Tells everyone who waits that something has changed.
function feed.tell(self)
  self.changes:Finish(DONE)
end

--- Ends the feed: once the items that have come were taken, readers are told.
function feed.finish(self, message, code, err)
  if self.ended then
    return
  end
  self.ended = { message = message, code = code, err = err }
  self.client.links[self] = nil
  if self.link then
    self.link:Close()
  end
  self.readers:Finish(DONE)
  feed.tell(self)
  if self.task and self.task ~= sched.current() then
    self.task:Cancel()
  end
end

--- Ends the feed from this side: items that were not taken are let go.
function feed.close(self)
  self.items, self.sizes, self.first, self.last, self.bytes = {}, {}, 1, 0, 0
  feed.finish(self, self.what .. ": closed from this side", "ESOCKCLOSE")
end

--- All that was asked is confirmed.
function feed.up(self)
  self.is_up, self.failure = true, false
  self.connects = self.connects + 1
  feed.tell(self)
  if self.is_untold and self.on_gap then
    self.is_untold = false
    sched.start(self.home, function()
      local fine, problem = sched.pcall(self.on_gap, self)
      if not fine and sched.is_stop(problem) then
        error(problem, 0)
      elseif not fine then
        report.tell(sched.current(), problem, "in the on_gap hook of " .. self.what)
      end
    end)
  end
end

--- What the server has sent makes no sense.
function feed.violated(self, from, what)
  from:Close("ERDISPERROR", ("%s: %s"):format(self.what, what))
end

--- A link that is greeted; or `nil, message, code[, err]`. Only where the client has found one: two
--- who knock at a dead door learn no more than one.
---@async
local function connect(self)
  local client = self.client
  local up, message, code, err = client.keeper:Link()
  if not up then
    return nil, message, code, err
  end
  return client:OpenLink()
end

local function on_end(self, from)
  self.link = false
  if self.ended then
    self.is_up = false
    return
  elseif self.is_up then
    self.is_up, self.is_gap, self.is_untold = false, true, true
    self.gaps = self.gaps + 1
  end
  self.failure = from.ended
  self.kind.lose(self)
  feed.tell(self)
end

--- Asks a server that was silent whether it is there; twice silent, it counts as gone. Nothing can
--- be heard of one that is not listened to.
local function beat(self, from)
  local heard = self.received + self.others
  if from.is_paused then
    self.seen, self.is_asked = -1, false
  elseif heard ~= self.seen then
    self.seen, self.is_asked = heard, false
  elseif self.is_asked then
    local pause = self.client.options.heartbeat_ms
    from:Close("ETIMEDOUT", ("silent for %g ms"):format(2 * pause))
  else
    self.is_asked = true
    self.kind.ping(self, from)
  end
end

--- Listens until the link ends.
---@async
local function stay(self, from)
  local kind = self.kind
  self.link, self.seen, self.is_asked = from, -1, false
  self.place = from.peer
  local function take(_, value)
    return kind.take(self, from, value)
  end
  from.on_push, from.on_reply = take, take
  from.on_end = function()
    on_end(self, from)
  end
  kind.ask(self, from)
  local pause = self.client.options.heartbeat_ms
  while not from:Wait(pause > 0 and pause or nil) do
    beat(self, from)
  end
end

--- There is no link: whoever waits may want to know.
local function refuse(self, message, code, err)
  self.failure = { message = message, code = code, err = err }
  if self.client.keeper.is_closed then
    feed.finish(self, ("%s: %s"):format(self.what, message), "ESOCKCLOSE")
  else
    feed.tell(self)
  end
end

---@async
local function keep(self)
  local made = self.client.options
  local pause = backoff.new(made.backoff_ms, made.backoff_max_ms)
  local pausing = { what = "pause before the next connection of " .. self.what }
  function pausing.Leave() end
  while not self.ended do
    local began = sched.now()
    local from, message, code, err = connect(self)
    if from and self.ended then
      from:Close()
    elseif from then
      stay(self, from)
    else
      refuse(self, message, code, err)
    end
    if sched.now() - began > made.backoff_max_ms then
      pause:Reset()
    end
    if not self.ended then
      parking()
      park(pausing, pause:Next())
    end
  end
end

--- Whatever ends the keeper, the feed ends with it.
---@async
local function guard(self)
  local fine, problem = sched.pcall(keep, self)
  if not fine then
    local text = sched.is_stop(problem) and problem.message or report.text(problem)
    feed.finish(self, ("%s: %s"):format(self.what, text), "ECANCELED")
    error(problem, 0)
  end
end

--- Calls the function with item after item.
---@async
local function call(self)
  local fn = self.fn
  local item = feed.next(self)
  while item do
    fn(item, self)
    item = feed.next(self)
  end
end

--- As `call`, whatever the function raises. Nobody else would learn how the feed has ended.
---@async
local function serve(self)
  local fine, problem
  repeat
    fine, problem = sched.pcall(call, self)
    if not fine and sched.is_stop(problem) then
      error(problem, 0)
    elseif not fine then
      report.tell(sched.current(), problem, "in the function of " .. self.what)
    end
  until fine
  if self.ended.code ~= "ESOCKCLOSE" then
    report.tell(sched.current(), self.ended.message, "the end of " .. self.what)
  end
end

--- Begins: from now on there are tasks for it.
function feed.start(self)
  self.home = sched.home()
  self.client.links[self] = true
  self.task = sched.spawn(guard, self)
  if self.fn then
    sched.spawn(serve, self)
  end
end

---@async
local function await(self, name, done)
  local give_up = sched.now() + self.timeout_ms
  while not done() do
    local failure = self.failure
    if self.ended then
      return feed.ending(self)
    elseif failure and failure.err and self.connects == 0 then
      return nil, ("%s: %s"):format(name, failure.message), failure.code, failure.err
    end
    local left = math.max(give_up - sched.now(), 0)
    local _, _, code = self.changes:Wait(parking(), left)
    if code and not done() then
      failure = self.failure
      local why = ("not confirmed in %g ms"):format(self.timeout_ms)
      local where = failure and failure.message or self.place
      return nil, ("%s: %s (%s)"):format(name, where, why), failure and failure.code or code
    end
  end
  return true
end

--- Parks until `done()`: true; or `nil, message, code[, err]` when it has ended, when the server
--- refuses us, and when the time has passed. Meanwhile it is read, though nobody takes what comes.
---@async
function feed.await(self, name, done)
  self.asking = self.asking + 1
  if self.is_full and self.link then
    self.link:Resume()
  end
  local fine, is_done, message, code, err = sched.pcall(await, self, name, done)
  self.asking = self.asking - 1
  if self.is_full and self.link and self.asking == 0 then
    self.link:Pause()
  end
  if not fine then
    error(is_done, 0)
  end
  return is_done, message, code, err
end

--- The options of a feed in argument `n` of `name`: raises for wrong ones.
function feed.check(name, n, how)
  options.check(name, n, how, feed.KINDS)
end

--- Raises for a wrong time to wait, and where a function takes the items.
function feed.check_next(self, timeout_ms)
  if timeout_ms ~= nil and not (type(timeout_ms) == "number" and timeout_ms >= 0) then
    outcome.raise("Next", 1, "milliseconds expected, got " .. outcome.kind_of(timeout_ms))
  elseif self.fn then
    outcome.blame(("what comes of %s is for its function"):format(self.what))
  end
end

--- What every feed can tell of itself.
function feed.stats(self)
  local link = self.link
  return {
    is_connected = self.is_up,
    is_paused = self.is_full,
    protocol = link and link.protocol or nil,
    received = self.received,
    queued = self.last - self.first + 1,
    queued_bytes = self.bytes,
    connects = self.connects,
    gaps = self.gaps,
    pauses = self.pauses,
  }
end

return feed
