--- Many jobs, of which only so many run at once.
---
---     local workers = pool.new(4)
---     local job = workers:Submit(resize, image)       -- a task: job:Join(), job:Cancel()
---     workers:Drain()
---
--- A job is a task of the one that submits it, and ends with its scope. It waits for its turn in
--- the order of submitting; when too many wait, `Submit` parks.

local check = require("chuck.support.check")
local ending = require("chuck.co.ending")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local pool = {}

--- Jobs that may wait for their turn.
local QUEUE = 1024

---@class chuck.co.Pool
local Pool = {}
Pool.__index = Pool
Pool.__metatable = "pool"

--- A pool that runs up to `workers` jobs at once. Options: `queue`, how many more may wait, 1024;
--- `scope`, in which jobs run, otherwise that of whoever submits them.
function pool.new(workers, options)
  check.type("pool", 1, workers, "positive integer")
  check.options("pool", 2, options, { queue = "count", scope = "scope" })
  options = options or {}
  return setmetatable({
    workers = workers,
    queue = options.queue or QUEUE,
    scope = options.scope or false,
    --- Jobs that have a worker: none waits while there are fewer than `workers`.
    running = 0,
    --- Every job that has not ended, and whether it has a worker; how many they are.
    jobs = {},
    count = 0,
    --- Places that are kept for tasks which have waited to submit and were woken.
    promised = 0,
    --- Jobs that wait for a worker, begun or not; who waits to submit; who waits for the end.
    waiting = waiters.new("pool"),
    submitters = waiters.new("pool"),
    drainers = waiters.new("pool"),
    is_closed = false,
  }, Pool)
end

--- What a job without a worker waits for. Its place in the queue is given up when it ends.
local QUEUED = { what = "pool", Leave = function() end }

local function perform(self, fn, ...)
  local job = sched.current()
  while not self.jobs[job] do
    sched.parking()
    sched.park(QUEUED)
  end
  return fn(...)
end

--- How many jobs can come before some have to end.
local function room(self)
  return self.workers + self.queue - self.count - self.promised
end

--- Lets those who wait to submit go on, while there is room.
local function admit(self)
  while self.submitters.count > 0 and room(self) > 0 do
    self.promised = self.promised + 1
    sched.complete(self.submitters:Take(), sched.DONE)
  end
end

--- A job has ended: its worker takes the next one at once.
local function finish(self, job)
  local had_worker = self.jobs[job]
  self.jobs[job] = nil
  self.count = self.count - 1
  if had_worker then
    local heir = self.waiting:Take()
    if heir then
      self.jobs[heir] = true
      -- One that has not begun yet finds its worker when it does.
      sched.wake(heir, sched.DONE)
    else
      self.running = self.running - 1
    end
  else
    self.waiting:Leave(job)
  end
  admit(self)
  if self.count == 0 and self.promised == 0 then
    self.drainers:Finish(sched.DONE)
  end
end

--- Takes a job in, for which there is room.
local function enter(self, job)
  self.count = self.count + 1
  if self.running < self.workers then
    self.running = self.running + 1
    self.jobs[job] = true
  else
    self.jobs[job] = false
    self.waiting:Add(job)
  end
  ending.watch(job, function()
    finish(self, job)
  end)
  return job
end

--- The scope that a job belongs to.
local function home_of(self)
  return self.scope or sched.home()
end

local function is_closed(self)
  return self.is_closed or self.scope and not self.scope.is_open
end

--- Whether a job can come in now, without overtaking those who wait.
local function has_room(self)
  return room(self) > 0 and self.promised == 0 and self.submitters.count == 0
end

--- Waits for room, which is then promised to the current task: true, or `nil, why, code`.
local function wait_for_room(self, task, timeout_ms)
  self.submitters:Add(task)
  local outcome = sched.park(self.submitters, timeout_ms)
  if outcome == sched.TIMEOUT then
    return nil, "timeout", "ETIMEDOUT"
  elseif outcome == sched.DONE then
    self.promised = self.promised - 1
  end
  if is_closed(self) then
    if self.count == 0 and self.promised == 0 then
      self.drainers:Finish(sched.DONE)
    end
    return nil, "closed", "EPIPE"
  end
  return true
end

--- Waits until there is room for a job: true, or `nil, why, code`.
---@async
local function make_room(self, timeout_ms)
  if is_closed(self) then
    return nil, "closed", "EPIPE"
  elseif has_room(self) then
    return true
  end
  return wait_for_room(self, sched.parking(), timeout_ms)
end

--- Has `fn(...)` run as soon as there is a worker; parks while too many jobs wait already. The job,
--- which is a task; or `nil, "closed", "EPIPE"`.
---@async
function Pool:Submit(fn, ...)
  check.self("Submit", self, "pool")
  check.type("Submit", 1, fn, "function")
  local admitted, why, code = make_room(self)
  if not admitted then
    return nil, why, code
  end
  local job = enter(self, sched.start(home_of(self), perform, self, fn, ...))
  admit(self)
  return job
end

--- As `Submit`, but waits for room no longer than `timeout_ms`: then `nil, "timeout", "ETIMEDOUT"`.
---@async
function Pool:SubmitWithin(timeout_ms, fn, ...)
  check.self("SubmitWithin", self, "pool")
  check.type("SubmitWithin", 1, timeout_ms, "milliseconds")
  check.type("SubmitWithin", 2, fn, "function")
  local admitted, why, code = make_room(self, timeout_ms)
  if not admitted then
    return nil, why, code
  end
  local job = enter(self, sched.start(home_of(self), perform, self, fn, ...))
  admit(self)
  return job
end

--- As `Submit`, without waiting: also `nil, "full", "EAGAIN"`. For callbacks as well.
function Pool:TrySubmit(fn, ...)
  check.self("TrySubmit", self, "pool")
  check.type("TrySubmit", 1, fn, "function")
  if is_closed(self) then
    return nil, "closed", "EPIPE"
  elseif not has_room(self) then
    return nil, "full", "EAGAIN"
  end
  return enter(self, sched.start(home_of(self), perform, self, fn, ...))
end

--- Takes no more jobs. Those that are in it go on; who waits to submit is refused. A second time it
--- does nothing.
function Pool:Close()
  check.self("Close", self, "pool")
  self.is_closed = true
  self.submitters:Finish(false)
end

--- Whether it was closed.
function Pool:IsClosed()
  check.self("IsClosed", self, "pool")
  return self.is_closed
end

--- Parks until every job has ended, also those that come meanwhile: true, or `nil, "timeout",
--- "ETIMEDOUT"`.
---@async
function Pool:Drain(timeout_ms)
  check.self("Drain", self, "pool")
  check.timeout("Drain", 1, timeout_ms)
  local task = sched.current()
  if task and self.jobs[task] ~= nil then
    error("a job cannot wait for the end of the jobs of its own pool", 2)
  elseif self.count == 0 and self.promised == 0 then
    return true
  end
  return self.drainers:Wait(sched.parking(), timeout_ms)
end

--- How many jobs run.
function Pool:Running()
  check.self("Running", self, "pool")
  return self.running
end

--- How many jobs wait for a worker.
function Pool:Waiting()
  check.self("Waiting", self, "pool")
  return self.waiting.count
end

return pool
