--- The scheduler: the only place that resumes a coroutine.
---
---     sched.spawn(function() sched.sleep(10) print("later") end)
---
--- Everything that waits is built on three calls: `park` until somebody calls `wake`, or a time has
--- passed. A task that is ready runs in the same pass of the loop, after the callback that woke it.
---
---     spawn -> ready -> running -> done
---                ^        |
---              wake     park        cancelling wakes a parked task with an error
---
--- Whether a task is cancelled is asked at each park, of its innermost frame: the task itself, a
--- scope that it has entered, or a shield. Cancelling marks every frame it concerns at once.

local compat = require("chuck.support.compat")

local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local unpack, pack = compat.unpack, compat.pack

local sched = {}

--- Resumes in one pass before sockets and timers get their turn.
local PASS = 1024

--- Finished coroutines kept to run further tasks.
local SPARE = 256

--- What a wait that took too long returns.
local TIMEOUT = setmetatable({}, {
  __tostring = function()
    return "timeout"
  end,
})

--- The value that `park` returns, once, for a time that has passed.
sched.TIMEOUT = TIMEOUT

--- What a task is woken with when what it waits for has come.
local DONE = {}
sched.DONE = DONE

---@class chuck.co.Stop
---@field code string `"ECANCELED"`, `"ETIMEDOUT"` or `"EINTR"`
---@field message string
local Stop = {}
Stop.__index = Stop
Stop.__tostring = function(self)
  return self.message
end

--- An error that means: stop, you are cancelled.
function sched.stop_reason(code, message)
  return setmetatable({ code = code, message = message }, Stop)
end

--- Whether an error is a cancellation.
function sched.is_stop(value)
  return getmetatable(value) == Stop
end

---@class chuck.co.Task
local Task = {
  --- What most tasks never have: what it waits for, with a method `Leave(task)`, and its timer; the
  --- list of tasks that wait for its end; what it has come to.
  waiter = false,
  timer = false,
  joiners = false,
  selection = false,
  results = false,
  failure = false,
  outer = false,
}
Task.__index = Task
Task.__metatable = "task"
sched.Task = Task

--- What runs tasks: `post(fn)` runs a function after the current callbacks, `timer(ms, fn)` returns
--- an object with `UnRegister`, `now()` is a time in milliseconds.
local loop = false
--- The task that runs now, or false outside of tasks.
local current = false
--- The scope of tasks that belong to no other.
local root = false
--- What to do with an error that nobody asked for: a function of task, error, traceback.
local on_error = false

--- Tasks that are ready, in order, and a list that is empty but while a round runs.
local ready, count, other = {}, 0, {}
local is_posted = false
local spare, spares = {}, 0
local ids = 0

local drain

local function make_ready(task)
  count = count + 1
  ready[count] = task
  if not is_posted then
    is_posted = true
    loop.post(drain)
  end
end

--- Removes a task from the list of its scope.
local function unlink(task)
  local home, before, after = task.home, task.before, task.after
  if before then
    before.after = after
  else
    home.first = after
  end
  if after then
    after.before = before
  end
  home.count = home.count - 1
  if home.count == 0 and home.on_empty then
    home.on_empty(home)
  end
end

local function end_task(task)
  task.state = "done"
  task.thread = false
  local joiners = task.joiners
  if joiners then
    for _ = 1, joiners.count do
      sched.complete(joiners:Take(), DONE)
    end
  end
  unlink(task)
end

--- What a task's function has returned; answers with the next task for the same coroutine.
local function finish(task, ...)
  local count = select("#", ...)
  if count > 0 then
    task.results = pack(...)
  end
  local thread = task.thread
  end_task(task)
  if spares >= SPARE then
    return nil
  end
  spares = spares + 1
  spare[spares] = thread
  return yield()
end

local function body(task, ...)
  if task then
    return body(finish(task, task.fn(...)))
  end
end

--- A task has raised: its coroutine is dead.
local function crash(task, thread, problem)
  task.failure = { error = problem, traceback = debug.traceback(thread) }
  compat.close(thread, problem)
  task.failed = true
  local home, had_joiners = task.home, task.joiners and task.joiners.count > 0
  end_task(task)
  local is_cancelled = sched.is_stop(problem) and task.cancelled
  if is_cancelled then
    return
  end
  if home.on_failure then
    home.on_failure(home, task, problem)
  elseif not had_joiners and on_error then
    on_error(task, problem, sched.traceback(task))
  end
end

local function begin(task)
  local thread
  if spares > 0 then
    thread = spare[spares]
    spare[spares] = nil
    spares = spares - 1
  else
    thread = create(body)
  end
  task.thread = thread
  task.state = "running"
  local args = task.args
  if args then
    task.args = false
    return thread, resume(thread, task, unpack(args, 1, args.n))
  end
  return thread, resume(thread, task)
end

local function proceed(task, thread)
  local a, b, c = task.a, task.b, task.c
  task.a, task.b, task.c = nil, nil, nil
  task.state = "running"
  return resume(thread, a, b, c)
end

--- Resumes everything that is ready, once.
local function round()
  local batch, size = ready, count
  ready, count, other = other, 0, batch
  for i = 1, size do
    local task = batch[i]
    batch[i] = false
    local thread, ok, problem = task.thread, nil, nil
    current = task
    if task.state == "running" then
      ok, problem = resume(thread)
    elseif thread then
      ok, problem = proceed(task, thread)
    elseif task.state == "ready" then
      thread, ok, problem = begin(task)
    else
      ok = true
    end
    if not ok then
      current = false
      crash(task, thread, problem)
    end
  end
  current = false
  return size
end

function drain()
  local left = PASS
  is_posted = true
  while count > 0 and left > 0 do
    left = left - round()
  end
  is_posted = count > 0
  if is_posted then
    loop.post(drain)
  end
end

--- Where `spawn` was called: `file:line`.
local function site_of(level)
  local info = debug.getinfo(level + 1, "Sl")
  return info and (info.short_src .. ":" .. info.currentline) or "?"
end
sched.site_of = site_of

--- Starts a task in a scope. `parent` gives its task-local values.
function sched.start(home, fn, ...)
  local parent = current
  ids = ids + 1
  local first = home.first
  local task = setmetatable({
    id = ids,
    fn = fn,
    args = select("#", ...) > 0 and pack(...),
    thread = false,
    state = "ready",
    --- The scope it belongs to, and its place in the list there.
    home = home,
    before = false,
    after = first,
    --- The innermost frame, and the scope that its `spawn` starts tasks in.
    frame = false,
    nursery = home,
    cancelled = home.cancelled,
    locals = parent and parent.locals,
    parent = parent,
  }, Task)
  task.frame = task
  if first then
    first.before = task
  end
  home.first = task
  home.count = home.count + 1
  make_ready(task)
  return task
end

--- Starts `fn(...)` in a task of its own, in the scope of the current task.
function sched.spawn(fn, ...)
  local parent = current
  return sched.start(parent and parent.nursery or root, fn, ...)
end

--- Lets a parked task go on with up to three values. False when it was not parked.
function sched.wake(task, a, b, c)
  if task.state ~= "parked" then
    return false
  end
  local timer = task.timer
  if timer then
    task.timer = false
    timer:UnRegister()
  end
  task.waiter = false
  task.a, task.b, task.c = a, b, c
  task.state = "ready"
  make_ready(task)
  return true
end

--- Ends the wait of an entry in a list: of a task, or of one case of a selection.
function sched.complete(entry, outcome, value)
  local selection = entry.selection
  if selection then
    selection:Finish(entry, outcome, value)
  else
    sched.wake(entry, outcome, value)
  end
end

local function interrupt(task)
  local waiter = task.waiter
  if waiter then
    waiter:Leave(task)
  end
  sched.wake(task)
end

local function late(task)
  return function()
    task.timer = false
    if task.state == "parked" then
      local waiter = task.waiter
      if waiter then
        waiter:Leave(task)
      end
      sched.wake(task, TIMEOUT)
    end
    return -1
  end
end

--- The current task, which is about to park. To be called before it is put into any list.
function sched.parking()
  local task = current
  if not task then
    error("this call waits, and only a task can wait: use it inside of co.run or co.spawn", 3)
  end
  local reason = task.frame.cancelled
  if reason then
    error(reason, 0)
  end
  return task
end

--- Waits until `wake`, and returns its values; `TIMEOUT` when `timeout_ms` has passed before. The
--- task is that of `parking`. `waiter:Leave(task)` is called when the wait ends in any other way
--- than by `wake`. Who wakes with something to lose passes a first value that is not nil.
---@async
function sched.park(waiter, timeout_ms)
  local task = current
  if timeout_ms then
    if timeout_ms <= 0 then
      if waiter then
        waiter:Leave(task)
      end
      return TIMEOUT
    end
    local on_time = task.on_time
    if not on_time then
      on_time = late(task)
      task.on_time = on_time
    end
    task.timer = loop.timer(timeout_ms, on_time)
  end
  task.waiter = waiter
  task.state = "parked"
  local a, b, c = yield()
  if a == nil and task.frame.cancelled then
    error(task.frame.cancelled, 0)
  end
  return a, b, c
end

--- Lets other ready tasks run first.
---@async
function sched.yield()
  local task = current
  if not task or task.frame.cancelled then
    task = sched.parking()
  end
  -- It stays "running": there is nothing to be woken with.
  count = count + 1
  ready[count] = task
  yield()
  local reason = task.frame.cancelled
  if reason then
    error(reason, 0)
  end
end

--- Parks for a time in milliseconds.
---@async
function sched.sleep(ms)
  if ms <= 0 then
    return sched.yield()
  end
  sched.parking()
  sched.park(false, ms)
end

local cancel_task

--- Marks a frame and whatever was started in it.
local function mark(frame, reason)
  if frame.cancelled then
    return
  end
  frame.cancelled = reason
  local child = frame.first
  while child do
    -- The child may end meanwhile, and its place in the list with it.
    local after = child.after
    cancel_task(child, reason)
    child = after
  end
end

--- Cancels the frames of `task` from its innermost out to `last`; a shield keeps what is inside.
local function cancel_frames(task, last, reason)
  local frames, count = {}, 0
  local frame = task.frame
  while frame do
    if frame.is_shield then
      count = 0
    else
      count = count + 1
      frames[count] = frame
    end
    if frame == last then
      break
    end
    frame = frame.outer
  end
  for i = 1, count do
    mark(frames[i], reason)
  end
  if task.state == "parked" and task.frame.cancelled and not task.is_deaf then
    interrupt(task)
  end
end

function cancel_task(task, reason)
  if task.state == "done" then
    return
  end
  if not task.thread and task.state == "ready" then
    -- It has not begun, and never will.
    task.state = "cancelled"
    task.cancelled = reason
    task.failed = true
    task.failure = { error = reason, traceback = "" }
    end_task(task)
    return
  end
  cancel_frames(task, task, reason)
end

sched.cancel_task = cancel_task
sched.cancel_frames = cancel_frames

--- The task that runs now, or nil outside of tasks.
function sched.current()
  return current or nil
end

--- The scope of tasks that belong to no other.
function sched.root()
  return root
end

--- Opens a frame around what the current task does until `sched.leave`.
function sched.enter(frame)
  local task = current
  frame.owner = task
  frame.outer = task.frame
  frame.outer_nursery = task.nursery
  task.frame = frame
  if frame.is_shield then
    frame.cancelled = false
  else
    frame.cancelled = frame.outer.cancelled
    task.nursery = frame
  end
  return task
end

--- Closes the innermost frame.
function sched.leave(frame)
  local task = frame.owner
  task.frame = frame.outer
  task.nursery = frame.outer_nursery
end

--- Waits until nothing runs in a scope. Whatever happens meanwhile, the wait goes on.
---@async
function sched.drain(scope)
  local task = scope.owner
  while scope.count > 0 do
    scope.on_empty = function()
      scope.on_empty = false
      sched.wake(task, true)
    end
    task.is_deaf = true
    task.state = "parked"
    task.waiter = false
    yield()
    task.is_deaf = false
  end
end

-- Lua 5.1 cannot yield out of a pcall: the function runs in a coroutine of its own there, whose
-- yields are passed on.
local function relay(thread, handler, ok, ...)
  if not ok then
    local problem = ...
    if handler then
      return false, handler(problem, thread)
    end
    return false, problem
  elseif coroutine.status(thread) == "dead" then
    return true, ...
  end
  return relay(thread, handler, resume(thread, yield(...)))
end

local function guard(handler, fn, ...)
  local thread = create(fn)
  return relay(thread, handler, resume(thread, ...))
end

if compat.yields_across_pcall then
  --- As Lua's own; what it calls may wait, on every Lua.
  sched.pcall = pcall

  --- As Lua's own, with arguments for `fn`; what it calls may wait, on every Lua.
  function sched.xpcall(fn, handler, ...)
    if select("#", ...) == 0 then
      return xpcall(fn, handler)
    end
    local args = pack(...)
    return xpcall(function()
      return fn(unpack(args, 1, args.n))
    end, handler)
  end
else
  function sched.pcall(fn, ...)
    return guard(false, fn, ...)
  end

  function sched.xpcall(fn, handler, ...)
    return guard(handler, fn, ...)
  end
end

--- Binds the scheduler to a loop: `post`, `timer` and `now`. `report(task, error, traceback)` is
--- told of errors that nobody asked for.
function sched.attach(driver, report)
  loop, on_error = driver, report
  ready, count, other = {}, 0, {}
  is_posted = false
  root = { first = false, count = 0, cancelled = false, on_empty = false, on_failure = false }
  return root
end

--- Lets go of the loop.
function sched.detach()
  loop, root, current = false, false, false
end

--- A timer of the loop: `fn` is called once.
function sched.timer(ms, fn)
  return loop.timer(ms, function()
    fn()
    return -1
  end)
end

--- The engine of the loop; nil on a clock that is moved by hand.
function sched.engine()
  return loop and loop.engine
end

--- The loop's time in milliseconds.
function sched.now()
  return loop.now()
end

--- What a failed task has to say: its own traceback, then where it was started from.
function sched.traceback(task)
  local lines = { task.failure.traceback }
  local at = task
  while at do
    lines[#lines + 1] = ("[task %d, started at %s]"):format(at.id, at.site or "?")
    at = at.parent
  end
  return table.concat(lines, "\n")
end

return sched
