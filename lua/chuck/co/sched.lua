--- The scheduler: the only place that resumes a coroutine.
---
---     sched.spawn(function() sched.sleep(10) print("later") end)
---
--- Everything that waits is built on two calls: `park` until somebody calls `wake`, or a time has
--- passed. A task that is ready runs in the same pass of the loop, after the callback that woke it.
---
---     spawn -> ready -> running -> done
---                ^        |
---              wake     park        cancelling wakes a parked task with an error
---
--- Tasks run on workers: a coroutine each, kept when its task has ended, and what a wait needs.
--- A task gets its worker when it first parks: one that never does costs its table and a call, for
--- a worker begins the next new task by itself. What tasks are in, and how they are cancelled, is
--- in co/frame.lua.

local alarm_of = require("chuck.co.alarm")
local check = require("chuck.support.check")
local compat = require("chuck.support.compat")
local clock = require("chuck.co.loop").clock
local origin = require("chuck.co.origin")

local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local unpack, pack = compat.unpack, compat.pack

local sched = {}

--- Tasks that run in one pass before sockets and timers get their turn.
local PASS = 1024

--- Idle workers kept.
local SPARE = 256

--- Spawns of one pass whose place is noted, which costs more than the spawn.
local SITES = 16

--- What `park` returns, once, for a time that has passed.
local TIMEOUT = setmetatable({}, {
  __tostring = function()
    return "timeout"
  end,
})
sched.TIMEOUT = TIMEOUT

--- What a coroutine yields when its task wants to go on in the next round.
local AGAIN = {}

--- What a task is woken with when what it waits for has come.
sched.DONE = {}

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
  --- What a new task does not have yet. A table of four fields is half the price of one of five.
  worker = false,
  --- Values for itself and the tasks that it starts: see co/locals.lua.
  locals = false,
  --- The innermost scope or shield that it has entered.
  frame = false,
  --- Why the task is to end.
  doomed = false,
  --- Called when it ends without having begun: it lets go of what was handed to it.
  on_drop = false,
  --- Where it was spawned, where the task that did so was, and so on: `site`, `outer`, `depth`.
  origin = false,
  --- The last error of a task that a scope of this one has raised: `error`, `traceback`.
  cause = false,
  --- Who waits for its end; what it has come to.
  joiners = false,
  --- How many of those only watch: an error is as unasked as without them.
  watchers = 0,
  results = false,
  failure = false,
}
Task.__index = Task
Task.__metatable = "task"
sched.Task = Task

--- What runs tasks: `post(fn)` runs a function after the current callbacks, `timer(ms, fn)` returns
--- an object with `UnRegister`, `now()` is a time in milliseconds, `engine` is what it is made of.
local loop = false
--- Told of errors that nobody asked for: a function of task, error, traceback.
local on_error = false
--- A watchdog that looks on, with methods `Begin` and `End`.
local watch = false

--- The worker whose task runs now, or false outside of tasks.
local running = false

--- What becomes ready goes to `ready`: new tasks, and workers of others. Those of `batch` run, and
--- `at` is the place of the last.
local ready, count = {}, 0
local batch, size, at = {}, 0, 0
--- The most that a batch has had since the lists were new.
local longest = 0
--- The place of the last that may run in this pass, and how many spawns may still be noted.
local last, sites = 0, SITES
local is_posted = false
--- When this pass began.
local time = 0

local spare, spares = {}, 0
--- Counters, since the program began.
local spawned, finished, failed, cancelled, passes = 0, 0, 0, 0, 0
--- Workers there are.
local workers = 0
--- Tasks whose end another waits for.
local awaited = 0
--- Whether any task has values of its own.
local has_locals = false
--- When waits end that take too long: see co/alarm.lua.
local alarms = false

--- A scope of its own: `on_failure(scope, task, error)` is told of errors,
--- `on_cancelled(scope, task)` of tasks that were cancelled after they had begun,
--- `on_empty(scope)` when the last has ended.
function sched.new_home()
  return {
    --- Tasks in it. Those that have parked stand from 1 to `last`; `free` begins a chain of places.
    count = 0,
    last = 0,
    free = false,
    stop = false,
    deadline = false,
    on_empty = false,
    on_failure = false,
    on_cancelled = false,
  }
end

--- The scope of tasks that belong to no other.
local root = sched.new_home()

local drain, drop

local function make_ready(entry)
  count = count + 1
  ready[count] = entry
  if not is_posted and loop then
    is_posted = true
    loop.post(drain)
  end
end

--- Tells those who wait for the end of a task.
local function tell_joiners(task)
  local joiners = task.joiners
  if joiners then
    awaited = awaited - 1
    -- A selection may stand here more than once, and leaves with all its cases.
    while joiners.count > 0 do
      sched.complete(joiners:Take(), sched.DONE)
    end
  end
end

--- Puts the task of a worker into the list of its scope, where its first free place is.
local function join_list(worker)
  local home = worker.task.home
  local index = home.free
  if index then
    home.free = home[index]
  else
    index = home.last + 1
    home.last = index
  end
  home[index] = worker.task
  worker.index = index
end

local function leave_list(worker)
  local home, index = worker.task.home, worker.index
  home[index] = home.free
  home.free = index
end

--- Ends a wait that was none: its yield has failed, or somebody else has resumed the coroutine.
local function abandon(worker)
  local waiter, alarm = worker.waiter, worker.alarm
  worker.waiter, worker.alarm, worker.phase = false, false, "settled"
  waiter:Leave(worker.task)
  if alarm then
    alarm:Clear(worker)
  end
end

--- A task that has parked lets go of its worker.
local function forsake(worker, task)
  if worker.waiter then
    abandon(worker)
  end
  worker.phase = false
  task.worker = false
  leave_list(worker)
end

--- A task is over, whatever it has come to.
local function end_task(task)
  if awaited > 0 then
    tell_joiners(task)
  end
  local home = task.home
  local left = home.count - 1
  home.count = left
  task.home = false
  if left == 0 and home.on_empty then
    home.on_empty(home)
  end
end

--- What a task's function has returned.
local function settle(task, ...)
  if ... ~= nil or select("#", ...) > 0 then
    task.results = pack(...)
  end
  finished = finished + 1
  if running.phase then
    forsake(running, task)
  end
  end_task(task)
end

--- A task ends that was cancelled before it began.
function drop(task)
  local reason = task.doomed or task.home.stop
  -- It is still in the batch, where what has a function is a task.
  task.fn, task.args, task.doomed = drop, false, reason
  task.failure = { error = reason, traceback = "" }
  cancelled = cancelled + 1
  if task.on_drop then
    task.on_drop()
  end
  end_task(task)
end

--- Takes the next of the batch, if it is new: a worker that is free begins it.
local function next_new(worker)
  while at < last and not watch do
    local task = batch[at + 1]
    if not task.fn then
      return nil
    end
    at = at + 1
    if task.home and not task.home.stop then
      worker.task, worker.stop = task, false
      return task
    elseif task.home then
      drop(task)
    end
  end
end

--- What a worker's coroutine does: one new task after the other.
local function work(worker, task)
  while task do
    local fn, args = task.fn, task.args
    task.fn = false
    if args then
      task.args = false
      settle(task, fn(unpack(args, 1, args.n)))
    else
      settle(task, fn())
    end
    task = next_new(worker)
    if not task and spares < SPARE then
      spares = spares + 1
      spare[spares] = worker
      task = yield()
    end
  end
  workers = workers - 1
end

--- The time of a wait has passed.
local function on_time(worker)
  worker.alarm = false
  worker.waiter:Leave(worker.task)
  sched.wake(worker.task, TIMEOUT)
end

local function new_worker()
  workers = workers + 1
  return {
    thread = create(work),
    --- In the batch, what has a function is a new task.
    fn = false,
    --- Its task, and why the innermost frame of that is to end: raised at the next park.
    task = false,
    stop = false,
    --- The innermost scope that the task has opened: what it spawns belongs there.
    nursery = false,
    --- Of the task: false until it parks for the first time, then "settled"; "parking" and "parked"
    --- while it waits, and "woken" until it goes on.
    phase = false,
    --- From its first park on: when it began, and its place in the list of its scope.
    born = 0,
    index = 0,
    --- While it is parked: what it waits for, with `Leave(task)`; the alarm that ends the wait, and
    --- the place there.
    waiter = false,
    alarm = false,
    slot = 0,
    --- What the task was woken with; there may be a `c` as well.
    a = nil,
    b = nil,
  }
end

--- Tells of an error of a task that nobody will ask for.
function sched.report(task, problem, traceback)
  if on_error then
    on_error(task, problem, traceback)
  end
end

--- The task of a worker has raised: its coroutine is dead.
local function crash(worker, problem)
  local task, thread, home = worker.task, worker.thread, worker.task.home
  local is_cancelled = sched.is_stop(problem) and (task.doomed or home.stop)
  local stack = is_cancelled and "closed after it was cancelled" or debug.traceback(thread)
  -- It is still the current task while its variables are closed, which may change the error.
  local _, raised = compat.close(thread)
  if raised ~= nil then
    problem = raised
    is_cancelled = is_cancelled and sched.is_stop(raised)
  end
  running = false
  workers = workers - 1
  local is_awaited = task.joiners and task.joiners.count > task.watchers
  if is_cancelled then
    cancelled = cancelled + 1
  else
    failed = failed + 1
  end
  local traceback = not is_cancelled and origin.traceback(task, stack, problem)
  task.failure = { error = problem, traceback = traceback or "" }
  if worker.phase then
    forsake(worker, task)
  end
  end_task(task)
  if not is_cancelled then
    local is_taken = home.on_failure and home.on_failure(home, task, problem)
    if not is_taken and not is_awaited then
      sched.report(task, problem, task.failure.traceback)
    end
  elseif home.on_cancelled then
    home.on_cancelled(home, task)
  end
end

--- Begins a new task, on an idle worker or a new one.
local function begin(task)
  if not task.home then
    -- It was cancelled meanwhile.
    running = false
    return true
  elseif task.home.stop then
    -- Nobody runs: whoever ran last has parked, and this end may be what it waits for.
    running = false
    drop(task)
    return true
  elseif spares == 0 then
    running = new_worker()
    running.task = task
    if watch then
      watch:Begin(task, running.thread)
    end
    return resume(running.thread, running, task)
  end
  running = spare[spares]
  spare[spares] = nil
  spares = spares - 1
  running.task, running.stop = task, false
  return resume(running.thread, task)
end

--- Goes on with the task of a worker, with what it was woken with.
local function continue(worker)
  local a, b, c = worker.a, worker.b, worker.c
  worker.phase = "settled"
  worker.a, worker.b, worker.c = nil, nil, nil
  return resume(worker.thread, a, b, c)
end

--- The task of a worker parks for the first time.
local function settle_down(worker)
  worker.task.worker = worker
  worker.phase, worker.born = "settled", time
  join_list(worker)
end

--- A worker whose phase is not "settled" is about to wait.
local function settle_for_wait(worker)
  if worker.phase then
    abandon(worker)
  else
    settle_down(worker)
  end
end

--- A task has yielded by Lua's own means, which is as good as `sched.yield`.
local function go_round(worker)
  if not worker.phase then
    settle_down(worker)
  end
  make_ready(worker)
end

--- Runs one batch after the other, `left` tasks at most.
local function run_batches(left)
  local watchdog = watch
  while true do
    if at == last then
      if left <= 0 or at == size and count == 0 then
        return
      elseif at == size then
        batch, ready = ready, batch
        size, count, at = count, 0, 0
        longest = size > longest and size or longest
        watchdog = watch
      end
      last = size - at < left and size or at + left
      left = left - (last - at)
    end
    -- A worker whose task has ended may begin the next by itself, and move on.
    local place = at + 1
    local entry = batch[place]
    local ok, outcome
    at = place
    if watchdog then
      watchdog:Begin(entry.task or entry, entry.thread or spares > 0 and spare[spares].thread)
    end
    if entry.fn then
      ok, outcome = begin(entry)
    else
      running = entry
      if entry.phase == "woken" then
        ok, outcome = continue(entry)
      else
        ok, outcome = resume(entry.thread)
      end
    end
    if not ok then
      crash(running, outcome)
    elseif outcome == AGAIN then
      count = count + 1
      ready[count] = running
    elseif running and not running.waiter and running.task.home then
      go_round(running)
    end
    if watchdog then
      watchdog:End()
    end
  end
end

--- Runs what is ready, and what becomes ready meanwhile, up to a number of tasks.
function drain()
  if not loop then
    return
  end
  is_posted = true
  sites = SITES
  time = loop.now()
  passes = passes + 1
  last = at
  run_batches(PASS)
  running = false
  is_posted = loop and (count > 0 or at < size)
  if is_posted then
    loop.post(drain)
  elseif longest > SPARE then
    -- What has run is still in the lists: no more than few may be kept alive.
    ready, batch, size, at, longest = {}, {}, 0, 0, 0
  end
end

--- Makes a task, with the arguments of its function as `pack` has them, or false. It is started by
--- the function `level` levels above.
local function launch(home, fn, args, level)
  local task = setmetatable({ fn = fn, home = home, args = args }, Task)
  home.count = home.count + 1
  spawned = spawned + 1
  if has_locals and running then
    task.locals = running.task.locals
  end
  if sites > 0 then
    sites = sites - 1
    task.origin = origin.note(running and running.task.origin, level + 1)
  end
  count = count + 1
  ready[count] = task
  if not is_posted and loop then
    is_posted = true
    loop.post(drain)
  end
  return task
end

sched.drop = drop

--- Ends a task that will never go on, because its loop is left.
function sched.forget(task, reason)
  local worker = task.worker
  if task.fn then
    task.doomed = reason
    drop(task)
  elseif worker then
    workers = workers - 1
    cancelled = cancelled + 1
    task.failure = { error = reason, traceback = "" }
    forsake(worker, task)
    end_task(task)
  end
end

--- Starts a task in a scope, for whoever has called the function that calls this.
function sched.start(home, fn, ...)
  local task = launch(home, fn, select("#", ...) > 0 and pack(...), 3)
  return task
end

--- Starts a task in a scope, with arguments as `pack` has them, which it does not change: they may
--- serve many tasks. For servers, which start one per request: its place is not noted.
function sched.launch(home, fn, args)
  local task = setmetatable({ fn = fn, home = home, args = args }, Task)
  home.count = home.count + 1
  spawned = spawned + 1
  make_ready(task)
  return task
end

--- Starts `fn(...)` in a task of its own, in the innermost scope that the current task has open.
function sched.spawn(fn, ...)
  if type(fn) ~= "function" then
    error("bad argument #1 to 'spawn' (function expected, got " .. type(fn) .. ")", 2)
  end
  local home = running and (running.nursery or running.task.home) or root
  local task = launch(home, fn, select("#", ...) > 0 and pack(...), 2)
  return task
end

--- The current task is woken: by a finalizer that has run while the alarm of its wait was set. Or
--- its wait was none.
local function wake_early(worker, a, b, c)
  if worker.phase ~= "parking" then
    abandon(worker)
    return false
  end
  worker.waiter, worker.phase = false, "woken"
  worker.a, worker.b, worker.c = a, b, c
  return true
end

--- Lets a parked task go on with up to three values. False when it was not parked.
local function wake(task, a, b, c)
  local worker = task.worker
  if not (worker and worker.waiter) then
    return false
  elseif worker == running then
    return wake_early(worker, a, b, c)
  end
  local alarm = worker.alarm
  if alarm then
    worker.alarm = false
    alarm:Clear(worker)
  end
  worker.waiter, worker.phase = false, "woken"
  worker.a, worker.b, worker.c = a, b, c
  make_ready(worker)
  return true
end

sched.wake = wake

--- Ends the wait of an entry in a list: of a task, or of one case of a selection.
function sched.complete(entry, outcome, value)
  if entry.worker then
    wake(entry, outcome, value)
  else
    entry.selection:Finish(entry, outcome, value)
  end
end

--- The current task, which is about to park. To be called before it is put into any list.
function sched.parking()
  local worker = running
  if not worker then
    check.blame_outside(
      "this call waits, and only a task can wait: use it inside of co.run or co.spawn"
    )
  elseif worker.waiter then
    -- It has left its last wait by a coroutine of the program: before it stands in another list.
    abandon(worker)
  end
  if worker.stop then
    error(worker.stop, 0)
  end
  return worker.task
end

--- What waits for nothing but a time, or a call of `wake`.
local NOTHING = { Leave = function() end }

--- What a wait returns that has ended before it began.
local function go_on_early(worker)
  local a, b, c = worker.a, worker.b, worker.c
  worker.a, worker.b, worker.c = nil, nil, nil
  worker.phase = "settled"
  worker.alarm:Clear(worker)
  worker.alarm = false
  if a == nil and worker.stop then
    error(worker.stop, 0)
  end
  return a, b, c
end

--- Waits until `wake`, and returns its values; `TIMEOUT` when `timeout_ms` has passed before. The
--- task is that of `parking`. `waiter:Leave(task)` is called when the wait ends in any other way
--- than by `wake`. Who wakes with something to lose passes a first value that is not nil.
---@async
function sched.park(waiter, timeout_ms)
  local worker = running
  waiter = waiter or NOTHING
  if worker.phase ~= "settled" then
    settle_for_wait(worker)
  end
  if timeout_ms and timeout_ms < math.huge then
    if timeout_ms <= 0 then
      waiter:Leave(worker.task)
      return TIMEOUT
    end
    worker.waiter, worker.phase = waiter, "parking"
    worker.alarm = alarms:Set(worker, timeout_ms)
    if worker.phase == "woken" then
      return go_on_early(worker)
    end
  end
  worker.waiter, worker.phase = waiter, "parked"
  local a, b, c = yield()
  if worker.waiter then
    abandon(worker)
    error("a task waits only in its own coroutine, not in one that it resumes itself", 3)
  elseif a == nil and worker.stop then
    error(worker.stop, 0)
  end
  return a, b, c
end

--- Lets other ready tasks run first.
---@async
function sched.yield()
  local worker = running
  if not worker or worker.stop then
    sched.parking()
  elseif worker.phase ~= "settled" then
    settle_for_wait(worker)
  end
  yield(AGAIN)
  if worker.stop then
    error(worker.stop, 0)
  end
end

--- What a sleeping task waits for.
local SLEEP = { what = "sleep", Leave = function() end }

--- Parks for a time in milliseconds.
---@async
function sched.sleep(ms)
  if type(ms) ~= "number" or ms ~= ms then
    error("bad argument #1 to 'sleep' (milliseconds expected, got " .. tostring(ms) .. ")", 2)
  elseif ms <= 0 then
    return sched.yield()
  end
  sched.parking()
  sched.park(SLEEP, ms)
end

--- What a task in `wait` waits for.
local WAKEUP = { what = "wakeup", Leave = function() end }

local function received(outcome, values)
  if outcome == TIMEOUT then
    return nil, "nobody has called wakeup", "ETIMEDOUT"
  end
  return unpack(values, 1, values.n)
end

--- Parks until `wakeup`, and returns its values; `nil, message, "ETIMEDOUT"` when that takes too
--- long.
---@async
function sched.wait(timeout_ms)
  check.timeout("wait", 1, timeout_ms)
  sched.parking()
  return received(sched.park(WAKEUP, timeout_ms))
end

--- Wakes a task that is in `wait`, with any values, or asleep. False when it is neither.
function sched.wakeup(task, ...)
  local worker = getmetatable(task) == "task" and task.worker
  local waiter = worker and worker.waiter
  if waiter ~= WAKEUP and waiter ~= SLEEP then
    return false
  end
  return sched.wake(task, sched.DONE, pack(...))
end

--- The list of those who wait for the end of a task, which `new()` makes.
function sched.joiners(task, new)
  local list = task.joiners
  if not list then
    list = new("join")
    task.joiners = list
    awaited = awaited + 1
  end
  return list
end

--- The task that runs now, or nil outside of tasks.
function sched.current()
  return running and running.task or nil
end

--- The worker that a task has, if it has begun.
function sched.worker(task)
  return task.worker or running and running.task == task and running
end

--- The scope of tasks that belong to no other.
function sched.root()
  return root
end

--- The scope that a spawn belongs to here: the innermost that the current task has open.
function sched.home()
  return running and (running.nursery or running.task.home) or root
end

-- Lua 5.1 cannot yield out of a pcall: the function runs in a coroutine of its own there, whose
-- yields are passed on.
local function relay(thread, handler, ok, ...)
  if not ok then
    local problem = ...
    if handler == debug.traceback then
      return false, debug.traceback(thread, problem)
    elseif handler then
      -- A handler that raises is no way out either.
      return false, select(2, pcall(handler, problem))
    end
    return false, problem
  elseif coroutine.status(thread) == "dead" then
    return true, ...
  end
  return relay(thread, handler, resume(thread, yield(...)))
end

local function guard(handler, fn, ...)
  -- In 5.1 a coroutine does not begin with a function in C.
  local thread = create(function(...)
    return fn(...)
  end)
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

--- Binds the scheduler to a loop. `handler(task, error, traceback)` is told of errors that nobody
--- asked for. Tasks that were started before begin now.
function sched.attach(driver, handler)
  if loop then
    error("tasks run already, in this Lua state", 3)
  end
  loop, on_error = driver, handler
  alarms = alarm_of.new(driver, on_time)
  root.stop = false
  is_posted = count > 0
  if is_posted then
    loop.post(drain)
  end
  return root
end

--- Lets go of the loop, and forgets the tasks that have not ended.
function sched.detach()
  loop, on_error = false, false
  running = false
  root = sched.new_home()
  ready, count = {}, 0
  batch, size, at, longest = {}, 0, 0, 0
  is_posted = false
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

--- The loop's time in milliseconds; the engines' while there is none.
function sched.now()
  return (loop and loop.now or clock)()
end

--- `"ready"`, `"running"`, `"parked"` or `"done"`.
function sched.state(task)
  if not task.home then
    return "done"
  elseif running and running.task == task then
    return "running"
  end
  return task.worker and task.worker.waiter and "parked" or "ready"
end

--- Numbers since the program began, and how many tasks there are now.
function sched.stats()
  return {
    spawned = spawned,
    finished = finished,
    failed = failed,
    cancelled = cancelled,
    passes = passes,
    alive = spawned - finished - failed - cancelled,
    ready = count + size - at,
    workers = workers,
    idle_workers = spares,
  }
end

--- Sets the values of the current task and of those that it starts.
function sched.set_locals(values)
  has_locals = true
  running.task.locals = values
end

--- Calls `fn(task)` for every task that has not begun yet.
function sched.each_new(fn)
  for i = at + 1, size do
    if batch[i].fn and batch[i].home then
      fn(batch[i])
    end
  end
  for i = 1, count do
    if ready[i].fn and ready[i].home then
      fn(ready[i])
    end
  end
end

--- Has `watchdog:Begin(task, thread)` and `watchdog:End()` called around each stretch of work;
--- false ends that. A new worker has no thread yet.
function sched.watch(watchdog)
  watch = watchdog
end

return sched
