--- A clock that is moved by hand, for specs of tasks: no engine, no waiting, every run the same.
---
---     clock.run(function()
---       local task = sched.spawn(function() sched.sleep(10) return "slept" end)
---       clock.advance(10)                         -- timers that are due, and the tasks they wake
---       assert.is_true(task:IsDone())
---     end)                                        -- fails when a task or a timer is left over
---
--- The body runs outside of tasks. `clock.play(fn, ...)` runs a function in a task instead, moves
--- the time from timer to timer until it has ended, and returns its results.

local sched = require("chuck.co.sched")

local clock = {}

--- Posted functions in a row after which nobody believes any more that it comes to rest.
local PASSES = 1e6

local state = false

--- Whether timer `a` comes before timer `b`.
local function is_before(a, b)
  if a.at ~= b.at then
    return a.at < b.at
  end
  return a.order < b.order
end

local function push(heap, timer)
  local i = #heap + 1
  heap[i] = timer
  while i > 1 do
    local above = math.floor(i / 2)
    if not is_before(heap[i], heap[above]) then
      return
    end
    heap[i], heap[above] = heap[above], heap[i]
    i = above
  end
end

local function pop(heap)
  local top = heap[1]
  local size = #heap
  heap[1] = heap[size]
  heap[size] = nil
  size = size - 1
  local i = 1
  while true do
    local least = i
    for below = 2 * i, 2 * i + 1 do
      if below <= size and is_before(heap[below], heap[least]) then
        least = below
      end
    end
    if least == i then
      return top
    end
    heap[i], heap[least] = heap[least], heap[i]
    i = least
  end
end

local Timer = {}
Timer.__index = Timer

--- As `timer:UnRegister()` of an engine: any number of times.
function Timer:UnRegister()
  if self.is_armed then
    self.is_armed = false
    self.state.timers = self.state.timers - 1
  end
end

local function arm(timer)
  local at = timer.state
  at.order = at.order + 1
  timer.at, timer.order = at.now + math.max(timer.ms, 1), at.order
  push(at.heap, timer)
end

local function new_timer(ms, fn)
  assert(type(ms) == "number" and ms == ms, "a timer needs a time")
  local timer = setmetatable({ state = state, ms = ms, fn = fn, is_armed = true }, Timer)
  state.timers = state.timers + 1
  arm(timer)
  return timer
end

--- Calls a timer; as with an engine, a negative result ends it, a positive one is a new interval.
local function fire(timer)
  local answer = timer.fn()
  if not timer.is_armed then
    return
  elseif type(answer) == "number" and answer < 0 then
    timer:UnRegister()
  else
    timer.ms = answer or timer.ms
    arm(timer)
  end
end

--- The next timer, with those that were turned off out of the way.
local function next_timer()
  local heap = state.heap
  while heap[1] and not heap[1].is_armed do
    pop(heap)
  end
  return heap[1]
end

local function driver()
  return {
    post = function(fn)
      state.posted[#state.posted + 1] = fn
    end,
    timer = new_timer,
    now = function()
      return state.now
    end,
  }
end

--- Runs what is ready until nothing is.
function clock.settle()
  local passes = 0
  while #state.posted > 0 do
    local batch = state.posted
    state.posted = {}
    for _, fn in ipairs(batch) do
      fn()
    end
    passes = passes + 1
    assert(passes < PASSES, "the tasks never come to rest")
  end
end

--- Moves the time by `ms`: what is due happens in order; what it makes ready runs before the next
--- instant. Timers of one instant are all called before any task runs, as an engine does it.
function clock.advance(ms)
  clock.settle()
  local target = state.now + ms
  local timer = next_timer()
  while timer and timer.at <= target do
    state.now = math.max(state.now, timer.at)
    while timer and timer.at <= state.now do
      fire(pop(state.heap))
      timer = next_timer()
    end
    clock.settle()
    timer = next_timer()
  end
  state.now = target
end

--- Moves the time to the next timer; false when there is none.
function clock.step()
  clock.settle()
  local timer = next_timer()
  if not timer then
    return false
  end
  clock.advance(math.max(timer.at - state.now, 0))
  return true
end

--- The time in milliseconds; it begins at 0.
function clock.now()
  return state.now
end

--- Timers that are armed.
function clock.timers()
  return state.timers
end

--- Tasks that have not ended and belong to no scope that a task has opened.
function clock.tasks()
  return sched.root().count
end

--- Errors of tasks that nobody asked for: a list of `{ task, error, traceback }`, which is empty
--- then. What is not taken fails the run.
function clock.take_errors()
  local errors = state.errors
  state.errors = {}
  return errors
end

local function returned(ok, ...)
  if not ok then
    error((...), 0)
  end
  return ...
end

--- Runs `fn(...)` in a task and moves the time until it has ended: its results, or its error.
function clock.play(fn, ...)
  local results
  local n = select("#", ...)
  local arguments = { ... }
  local unpack = rawget(_G, "unpack") or rawget(table, "unpack")
  sched.spawn(function()
    local pack = function(...)
      results = { n = select("#", ...), ... }
    end
    pack(sched.pcall(fn, unpack(arguments, 1, n)))
  end)
  clock.settle()
  while not results do
    assert(clock.step(), "the task waits for ever")
  end
  return returned(unpack(results, 1, results.n))
end

local function check_end()
  clock.settle()
  local first = state.errors[1]
  if first then
    error(type(first.error) == "string" and first.traceback or first.error, 0)
  end
  assert(clock.tasks() == 0, ("%d tasks are left over"):format(clock.tasks()))
  assert(state.timers == 0, ("%d timers are left over"):format(state.timers))
end

--- Runs `body(clock)` with the scheduler on a clock of its own. Fails when tasks or timers are left
--- at the end, and when a task has failed unasked.
function clock.run(body)
  assert(not state, "the clock runs already")
  state = { now = 0, heap = {}, timers = 0, order = 0, posted = {}, errors = {} }
  sched.attach(driver(), function(task, problem, traceback)
    local text = tostring(problem) .. "\n" .. tostring(traceback)
    table.insert(state.errors, { task = task, error = problem, traceback = text })
  end)
  local ok, problem = pcall(body, clock)
  if ok then
    ok, problem = pcall(check_end)
  end
  sched.detach()
  state = false
  if not ok then
    error(problem, 0)
  end
end

return clock
