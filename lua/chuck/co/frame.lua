--- What the work of a task is in: scopes and shields; and cancellation, which reaches through them.
---
--- A frame is a table that a task enters and leaves. Whether the task is cancelled is asked of the
--- innermost: `stop` is the error to raise. Cancelling marks every frame it concerns at once, and
--- what was started in them; the scheduler raises at the next wait.
---
---     task  >  scope  >  shield  >  scope         the last counts; the shield keeps out what
---                                                 comes from its left

local sched = require("chuck.co.sched")

local frame = {}

--- Why the innermost frame of a task is to end.
local function effective(task)
  local innermost = task.frame
  if innermost then
    return innermost.stop
  end
  return task.doomed
end

--- Ends the wait of a task that is cancelled, unless it waits for what cannot be left.
local function interrupt(task, worker)
  local waiter = worker.waiter
  if waiter and not waiter.is_deaf then
    waiter:Leave(task)
    sched.wake(task)
  end
end

--- Has the worker of a task, if it has begun, know whether that is to end.
local function update(task)
  local worker = sched.worker(task)
  worker.stop = effective(task)
  return worker
end

local cancel

--- Marks a scope and whatever was started in it.
local function mark(scope, reason)
  if scope.stop then
    return
  end
  scope.stop = reason
  -- Tasks that have not parked are not in the list: those that are new see the mark when their turn
  -- comes, but one may be running.
  for i = 1, scope.last do
    if type(scope[i]) == "table" then
      cancel(scope[i], reason)
    end
  end
  local running = sched.current()
  if running and running.home == scope and not running.doomed then
    cancel(running, reason)
  end
end

frame.mark = mark

--- Cancels the frames of `task` from its innermost out to `last`, the task itself when that is nil.
--- A shield keeps what is inside.
local function cancel_frames(task, last, reason)
  local frames, n = {}, 0
  local at = task.frame
  while at do
    if at.is_shield then
      n = 0
    else
      n = n + 1
      frames[n] = at
    end
    if at == last then
      break
    end
    at = at.outer
  end
  if not last and not task.doomed then
    task.doomed = reason
  end
  for i = 1, n do
    mark(frames[i], reason)
  end
  local worker = update(task)
  if worker.stop then
    interrupt(task, worker)
  end
end

--- Cancels a task.
function cancel(task, reason)
  if not task.home then
    return
  elseif task.fn then
    task.doomed = reason
    sched.drop(task)
    return
  end
  cancel_frames(task, nil, reason)
end

frame.cancel = cancel

--- Cancels a scope: what its owner does in it, and every task in it.
function frame.cancel_scope(scope, reason)
  cancel_frames(scope.owner, scope, reason)
end

--- Cancels every task that belongs to no other scope than the program.
function frame.cancel_all(reason)
  mark(sched.root(), reason)
end

--- Calls `fn(task)` for every task in a scope that has parked, those of scopes inside among them.
local function each_settled(home, fn)
  for i = 1, home.last or 0 do
    local task = home[i]
    if type(task) == "table" then
      fn(task)
      local inner = task.frame
      while inner do
        each_settled(inner, fn)
        inner = inner.outer
      end
    end
  end
end

--- Calls `fn(task)` for every task that has not ended, but for one that has not parked yet.
function frame.each(fn)
  each_settled(sched.root(), fn)
  sched.each_new(fn)
end

--- Ends every task without letting it go on: whoever shares something with them goes on without.
function frame.forget_all()
  local tasks = {}
  frame.each(function(task)
    tasks[#tasks + 1] = task
  end)
  sched.root().on_empty = false
  local reason = sched.stop_reason("ECANCELED", "the program has ended")
  for _, task in ipairs(tasks) do
    sched.forget(task, reason)
  end
end

--- When what the current task does has to have ended, by the time of `now`; nil: no limit.
function frame.deadline()
  local task = sched.current()
  if not task then
    return nil
  end
  return (task.frame or task.home).deadline or nil
end

--- Opens a frame around what the current task does until `leave`.
function frame.enter(self, deadline)
  local task = sched.current()
  local outer = frame.deadline()
  self.owner = task
  self.outer = task.frame
  self.outer_nursery = sched.worker(task).nursery
  if self.is_shield then
    self.stop, self.deadline = false, false
  else
    self.stop = effective(task)
    self.deadline = deadline and outer and math.min(deadline, outer) or deadline or outer
  end
  task.frame = self
  local worker = update(task)
  if not self.is_shield then
    worker.nursery = self
  end
end

--- Closes the innermost frame.
function frame.leave(self)
  local task = self.owner
  task.frame = self.outer
  update(task).nursery = self.outer_nursery
end

--- What the owner of a scope waits for at its end: nothing ends that before.
local EMPTY = { what = "tasks of a scope", is_deaf = true, Leave = function() end }

--- Waits until nothing runs in a scope, for its owner. Whatever happens, the wait goes on, unless
--- a `waiter` is given that can be left.
---@async
function frame.drain(scope, waiter)
  local task = scope.owner
  while scope.count > 0 do
    scope.on_empty = function()
      scope.on_empty = false
      sched.wake(task, true)
    end
    sched.park(waiter or EMPTY)
  end
end

return frame
