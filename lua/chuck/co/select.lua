--- Wait for the first of several things.
---
---     local which, value = select({ orders, { send = log, value = "tick" }, task, { after_ms = 50 } })
---
--- A case is a channel (receive from it), `{ send = channel, value = v }`, a task (join it) or
--- `{ after_ms = n }`. What can happen at once happens, the first case first. Answers the number of
--- the case, then what `Recv`, `Send` or `Join` would have answered; `{ after_ms }` only its number.

local channel = require("chuck.co.channel")
local check = require("chuck.support.check")
local sched = require("chuck.co.sched")
local task = require("chuck.co.task")

local DONE, CLOSED = sched.DONE, channel.CLOSED

---@class chuck.co.Selection
local Selection = {}
Selection.__index = Selection

--- Takes every entry out of its list, but for the one that was taken already.
local function leave_all(self, taken)
  for _, entry in ipairs(self.entries) do
    if entry ~= taken then
      entry.list:Leave(entry)
    end
  end
end

--- A case has come to its end.
function Selection:Finish(entry, outcome, value)
  leave_all(self, entry)
  sched.wake(self.task, entry.case, outcome, value)
end

--- The wait has ended otherwise.
function Selection:Leave()
  leave_all(self)
end

local function kind_of(case)
  local metatable = getmetatable(case)
  if metatable == "channel" then
    return "recv"
  elseif metatable == "task" then
    return "join"
  elseif type(case) == "table" and case.send then
    return "send"
  elseif type(case) == "table" and case.after_ms then
    return "after"
  end
end

--- What a case has to say at once: whether there is anything, an outcome, a value.
local function try(kind, case)
  if kind == "recv" then
    local outcome, value = channel.try_recv(case)
    return outcome ~= nil, outcome, value
  elseif kind == "send" then
    local sent = channel.try_send(case.send, case.value)
    return sent ~= false, sent and DONE or CLOSED
  elseif kind == "join" then
    return case:IsDone(), DONE
  end
  return case.after_ms <= 0, sched.TIMEOUT
end

local function answer(cases, which, outcome, value)
  local kind = kind_of(cases[which])
  if kind == "join" then
    return which, cases[which]:Join()
  elseif outcome == CLOSED then
    return which, nil, "closed", "EPIPE"
  elseif kind == "recv" then
    return which, value
  elseif kind == "send" then
    return which, true
  end
  return which
end

local function enter(self, which, kind, case)
  local list = kind == "recv" and case.receivers or kind == "send" and case.send.senders
  list = list or task.joiners_of(case)
  local entry = {
    selection = self,
    case = which,
    list = list,
    place = false,
    offer = kind == "send" and case.value or nil,
  }
  list:Add(entry)
  self.entries[#self.entries + 1] = entry
end

---@async
local function select(cases)
  check.type("select", 1, cases, "table")
  for which, case in ipairs(cases) do
    local kind = kind_of(case)
    if not kind then
      error(("bad argument #1 to 'select' (case %d is nothing to wait for)"):format(which), 2)
    end
    local ready, outcome, value = try(kind, case)
    if ready then
      return answer(cases, which, outcome, value)
    end
  end
  local self = setmetatable({ task = sched.parking(), entries = {} }, Selection)
  local soonest, timeout
  for which, case in ipairs(cases) do
    local kind = kind_of(case)
    if kind ~= "after" then
      enter(self, which, kind, case)
    elseif not timeout or case.after_ms < timeout then
      soonest, timeout = which, case.after_ms
    end
  end
  local which, outcome, value = sched.park(self, timeout)
  if which == sched.TIMEOUT then
    return answer(cases, soonest, sched.TIMEOUT)
  end
  return answer(cases, which, outcome, value)
end

return select
