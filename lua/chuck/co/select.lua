--- Wait for the first of several things.
---
---     local which, value = select({ orders, { send = log, value = "tick" }, task }, 50)
---
--- A case is a channel or an actor (receive from it), `{ send = channel, value = v }`, a task (join
--- it), a future (get it) or `{ after_ms = n }`. Answers the number of the case, then what `Recv`,
--- `Send`, `Join` or `Get` would have answered; `{ after_ms }` only its number.
---
--- When several can happen at once, the one happens that was chosen longest ago, of those never
--- chosen the first: of n cases that stay ready, each is chosen at least once in n turns. A time
--- that has passed already is chosen when nothing else can happen.

local actor = require("chuck.co.actor")
local channel = require("chuck.co.channel")
local check = require("chuck.support.check")
local future = require("chuck.co.future")
local sched = require("chuck.co.sched")
local task = require("chuck.co.task")

local DONE, TIMEOUT = sched.DONE, sched.TIMEOUT

--- How many choices were made; the number of each is kept by what was chosen.
local turns = 0

--- What there is to know about a kind of case: `is_ready(case)`; `list(case)` to wait in; `turn`,
--- the field of `object(case)` that keeps when it was chosen; `take(case)` what can happen at once,
--- and `answer(case, outcome, value)`, what has happened while it stood in the list.
local KINDS = {}

local function itself(case)
  return case
end

local function can_receive(ch)
  return ch.first <= ch.last or ch.senders.count > 0 or ch.is_closed
end

KINDS.channel = {
  turn = "received_at",
  object = itself,
  is_ready = can_receive,
  list = function(case)
    return case.receivers
  end,
  take = function(case)
    return channel.received(channel.try_recv(case))
  end,
  answer = function(_, outcome, value)
    return channel.received(outcome, value)
  end,
}

KINDS.actor = {
  turn = "received_at",
  object = itself,
  is_ready = function(case)
    return can_receive(case.mailbox)
  end,
  list = function(case)
    return case.mailbox.receivers
  end,
  take = function(case)
    return actor.opened(case, channel.try_recv(case.mailbox))
  end,
  answer = function(case, outcome, value)
    return actor.opened(case, outcome, value)
  end,
}

local function sent(outcome)
  if outcome == DONE then
    return true
  end
  return channel.received(outcome)
end

KINDS.send = {
  turn = "sent_at",
  object = function(case)
    return case.send
  end,
  is_ready = function(case)
    local ch = case.send
    return ch.is_closed or ch.receivers.count > 0 or ch.last - ch.first + 1 < ch.room
  end,
  list = function(case)
    return case.send.senders
  end,
  take = function(case)
    return sent(channel.try_send(case.send, case.value) and DONE or channel.CLOSED)
  end,
  answer = function(_, outcome)
    return sent(outcome)
  end,
}

KINDS.task = {
  turn = "joined_at",
  object = itself,
  is_ready = function(case)
    return case:IsDone()
  end,
  list = task.joiners_of,
  take = function(case)
    return case:Join()
  end,
  answer = function(case)
    return case:Join()
  end,
}

KINDS.future = {
  turn = "got_at",
  object = itself,
  is_ready = function(case)
    return case:IsDone()
  end,
  list = future.list_of,
  take = function(case)
    return case:Get()
  end,
  answer = function(case)
    return case:Get()
  end,
}

--- The kind of a case; nil for what is none, and for a time.
local function kind_of(case)
  local class = getmetatable(case)
  if type(case) ~= "table" or class == "send" then
    return nil
  elseif type(class) == "string" then
    return KINDS[class]
  elseif getmetatable(rawget(case, "send")) == "channel" then
    return KINDS.send
  end
end

local function is_time(case)
  local ms = type(case) == "table" and getmetatable(case) == nil and case.after_ms
  return type(ms) == "number" and ms == ms
end

---@class chuck.co.Selection
local Selection = {}
Selection.__index = Selection

local function leave_all(self)
  for _, entry in ipairs(self) do
    entry.list:Leave(entry)
  end
end

--- A case has come to its end: the others are given up.
function Selection:Finish(entry, outcome, value)
  leave_all(self)
  sched.wake(self.task, entry, outcome, value)
end

--- The wait has ended otherwise.
function Selection:Leave()
  leave_all(self)
end

--- The case among those that can happen which was chosen longest ago, and the one whose time is
--- next. Nil and the number of a case that is none.
local function look(cases, count)
  local chosen, oldest, soonest, time
  for which = 1, count do
    local case = cases[which]
    local kind = kind_of(case)
    if kind then
      if kind.is_ready(case) then
        local turn = kind.object(case)[kind.turn] or 0
        if not oldest or turn < oldest then
          chosen, oldest = which, turn
        end
      end
    elseif not is_time(case) then
      return nil, nil, nil, which
    elseif not time or case.after_ms < time then
      soonest, time = which, case.after_ms
    end
  end
  return chosen, soonest, time
end

--- Notes that a case was chosen, of this object.
local function note(kind, object)
  turns = turns + 1
  object[kind.turn] = turns
  return kind
end

--- What stands in the list of a case. The program may change its tables while it waits.
local function new_entry(self, which, case, kind)
  local entry = { selection = self, which = which, kind = kind, object = kind.object(case) }
  entry.list, entry.place = kind.list(case), false
  if kind == KINDS.send then
    entry.offer = case.value
  end
  return entry
end

local function wait(self, cases, count, soonest, time)
  for which = 1, count do
    local kind = kind_of(cases[which])
    if kind then
      self[#self + 1] = new_entry(self, which, cases[which], kind)
    end
  end
  -- Nothing is allocated from here on: a finalizer could end a wait that has not begun.
  for i = 1, #self do
    self[i].list:Add(self[i])
  end
  local entry, outcome, value = sched.park(self, time)
  if entry ~= TIMEOUT then
    return entry.which, note(entry.kind, entry.object).answer(entry.object, outcome, value)
  elseif soonest then
    return soonest
  end
  return nil, "timeout", "ETIMEDOUT"
end

--- Waits for the first of several cases: its number, and what it answers; `nil, "timeout",
--- "ETIMEDOUT"` when `timeout_ms` has passed before.
---@async
local function select(cases, timeout_ms)
  check.type("select", 1, cases, "table")
  check.timeout("select", 2, timeout_ms)
  local count = #cases
  local chosen, soonest, time, wrong = look(cases, count)
  if wrong then
    error(("bad argument #1 to 'select' (case %d is nothing to wait for)"):format(wrong), 2)
  elseif count == 0 and not timeout_ms then
    error("bad argument #1 to 'select' (no case, and no time)", 2)
  elseif chosen then
    local case = cases[chosen]
    local kind = kind_of(case)
    return chosen, note(kind, kind.object(case)).take(case)
  elseif timeout_ms and (not time or timeout_ms < time) then
    soonest, time = nil, timeout_ms
  end
  if time and time <= 0 then
    if soonest then
      return soonest
    end
    return nil, "timeout", "ETIMEDOUT"
  end
  local self = setmetatable({ task = sched.parking(), what = "select" }, Selection)
  return wait(self, cases, count, soonest, time)
end

return select
