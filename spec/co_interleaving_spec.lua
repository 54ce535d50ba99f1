--- Thousands of random programs of tasks, each on a clock of its own, each from a seed: whatever
--- they do, nothing leaks, nobody waits for what is there, no value is lost or doubled, locks
--- exclude and permits are conserved.
---
---     CHUCK_SEED=7 CHUCK_ROUNDS=1 scripts/spec 5.4 spec/co_interleaving_spec.lua      -- one

local actor = require("chuck.co.actor")
local channel = require("chuck.co.channel")
local condition = require("chuck.co.condition")
local future = require("chuck.co.future")
local mutex = require("chuck.co.mutex")
local pool = require("chuck.co.pool")
local sched = require("chuck.co.sched")
local scope = require("chuck.co.scope")
local select_from = require("chuck.co.select")
local semaphore = require("chuck.co.semaphore")
local wait_group = require("chuck.co.wait_group")

local clock = require("spec.helper.clock")

local SEED = tonumber(os.getenv("CHUCK_SEED")) or os.time() % 1000000 * 1000
local ROUNDS = tonumber(os.getenv("CHUCK_ROUNDS")) or 3000

--- Names of actors.
local NAMES = { "a", "b", "c" }

--- Depth to which programs start programs.
local DEPTH = 3

--- What the program that runs now shares: see `new_world`.
local world

--- A number from 1 to n, the same on every Lua.
local function random(n)
  world.seed = world.seed * 16807 % 2147483647
  return world.seed % n + 1
end

local function chance(percent)
  return random(100) <= percent
end

local function pick(list)
  return list[random(#list)]
end

--- No timeout, one that passes at once, or a short one.
local function some_time()
  local dice = random(10)
  if dice <= 5 then
    return nil
  end
  return dice == 6 and 0 or random(8)
end

local function note(...)
  world.trace[#world.trace + 1] = table.concat({ clock.now(), ... }, " ")
end

local function new_world(seed)
  local made = {
    seed = seed * 48271 % 2147483646 + 1,
    trace = {},
    --- Every task that was ever started, and how many operations may still be done.
    tasks = {},
    scopes = {},
    budget = 60,
    channels = {},
    --- Values by their number: how often each was received, and whether its sending has succeeded.
    values = 0,
    sent = {},
    received = {},
    --- Tasks that have called an actor, and which.
    asked = {},
    locks = { mutex.new(), mutex.new() },
    --- The task inside of each lock.
    inside = {},
    conditions = { condition.new(), condition.new() },
    semaphores = { semaphore.new(1), semaphore.new(2) },
    permits = { 1, 2 },
    --- Permits that tasks have.
    held = { 0, 0 },
    groups = { wait_group.new(), wait_group.new() },
    futures = { future.new(), future.new(), future.new() },
    pools = { pool.new(1, { queue = 1 }), pool.new(2, { queue = 0 }) },
    --- Every actor that was ever started.
    actors = {},
    is_last = false,
  }
  for n, room in ipairs({ 0, 0, 1, 3, math.huge }) do
    made.channels[n] = channel.new(room)
    made.channels[n].number = n
  end
  return made
end

local function new_value()
  world.values = world.values + 1
  return world.values
end

local function took(value, why)
  if value then
    local times = (world.received[value] or 0) + 1
    world.received[value] = times
    note("got", value)
    assert(times == 1, "a value came twice")
  else
    assert(why, "a value came as nil")
  end
end

local function gave(value, sent)
  if sent then
    world.sent[value] = true
    note("sent", value)
  end
end

local program

--- Runs `last` however `fn` ends.
local function finally(last, fn, ...)
  local fine, problem = sched.pcall(fn, ...)
  last()
  if not fine then
    error(problem, 0)
  end
end

local function keep(task)
  if task then
    world.tasks[#world.tasks + 1] = task
  end
  return task
end

--- One case of each kind for a selection, and what its outcome means.
local function some_case()
  local dice = random(10)
  if dice <= 4 then
    return pick(world.channels), took
  elseif dice <= 7 then
    local value = new_value()
    return { send = pick(world.channels), value = value }, function(sent)
      gave(value, sent)
    end
  elseif dice == 8 then
    return pick(world.futures), function() end
  elseif dice == 9 and #world.tasks > 0 then
    return pick(world.tasks), function() end
  end
  return { after_ms = random(8) }, function() end
end

local function hold(lock, work)
  local task = sched.current()
  assert(not world.inside[lock], "two tasks are inside of a lock")
  assert(lock.owner == task, "the lock says that another task has it")
  world.inside[lock] = task
  finally(function()
    assert(world.inside[lock] == task, "two tasks were inside of a lock")
    assert(lock.owner == task, "a task has lost its lock")
    world.inside[lock] = nil
  end, work)
end

--- What a task can do: name, weight, function of its depth.
local OPERATIONS = {
  sleep = {
    8,
    function()
      sched.sleep(random(6) - 1)
    end,
  },
  yield = { 4, sched.yield },
  send = {
    14,
    function()
      local value = new_value()
      gave(value, (pick(world.channels):Send(value, some_time())))
    end,
  },
  recv = {
    14,
    function()
      took(pick(world.channels):Recv(some_time()))
    end,
  },
  try_send = {
    2,
    function()
      local value = new_value()
      gave(value, (pick(world.channels):TrySend(value)))
    end,
  },
  try_recv = {
    2,
    function()
      took(pick(world.channels):TryRecv())
    end,
  },
  select = {
    14,
    function()
      local cases, meanings = {}, {}
      for n = 1, random(4) do
        cases[n], meanings[n] = some_case()
      end
      local which, first, second = select_from(cases, some_time())
      if which then
        meanings[which](first, second or "nothing")
      end
    end,
  },
  close = {
    1,
    function()
      pick(world.channels):Close()
    end,
  },
  spawn = {
    6,
    function(depth)
      keep(sched.spawn(program, depth + 1))
    end,
  },
  cancel = {
    5,
    function()
      if #world.tasks > 0 then
        pick(world.tasks):Cancel()
      end
    end,
  },
  join = {
    5,
    function()
      local task = #world.tasks > 0 and pick(world.tasks)
      if task and task ~= sched.current() then
        local time = some_time()
        local _, _, code = task:Join(time)
        assert(code == "ETIMEDOUT" and time or task:IsDone(), "joined a task that runs")
      end
    end,
  },
  scope = {
    8,
    function(depth)
      local inside = {}
      local deadline = some_time()
      local opened
      local fine, problem = sched.pcall(scope.open, function(children)
        opened = children
        world.scopes[#world.scopes + 1] = children
        for n = 1, random(3) do
          inside[n] = keep(children:Spawn(program, depth + 1))
        end
        if chance(20) then
          children:Cancel()
        end
        if chance(10) then
          error("boom", 0)
        end
        program(depth + 1)
      end, { deadline_ms = deadline })
      for _, task in ipairs(inside) do
        assert(task:IsDone(), "a task has outlived its scope")
      end
      assert(not opened or opened.count == 0, "a scope has ended with tasks in it")
      if not fine and problem ~= "boom" then
        error(problem, 0)
      end
    end,
  },
  end_scope = {
    3,
    function()
      if #world.scopes > 0 then
        pick(world.scopes):Cancel()
      end
    end,
  },
  deadline = {
    4,
    function(depth)
      local fine, problem = sched.pcall(scope.with_deadline, random(6), program, depth + 1)
      if not fine and problem ~= "boom" then
        error(problem, 0)
      end
    end,
  },
  shield = {
    2,
    function()
      scope.shield(sched.sleep, random(5))
    end,
  },
  lock = {
    8,
    function(depth)
      local lock = pick(world.locks)
      if lock.owner == sched.current() then
        return
      elseif chance(50) then
        lock:With(hold, lock, function()
          program(depth + 1)
        end)
      elseif lock:Lock(some_time()) then
        finally(function()
          lock:Unlock()
        end, hold, lock, sched.yield)
      end
    end,
  },
  wait = {
    6,
    function()
      local lock, cond = pick(world.locks), pick(world.conditions)
      if lock.owner == sched.current() or chance(30) then
        cond:Wait(some_time())
        return
      end
      lock:With(function()
        finally(function()
          assert(lock.owner == sched.current(), "a wait has ended without its lock")
        end, cond.Wait, cond, lock, some_time())
      end)
    end,
  },
  signal = {
    5,
    function()
      local cond = pick(world.conditions)
      local tell = chance(70) and cond.Signal or cond.Broadcast
      tell(cond)
    end,
  },
  permit = {
    8,
    function(depth)
      local n = random(2)
      local seats = world.semaphores[n]
      if seats:Acquire(some_time()) then
        world.held[n] = world.held[n] + 1
        assert(world.held[n] <= world.permits[n], "more permits than there are")
        finally(function()
          world.held[n] = world.held[n] - 1
          seats:Release()
        end, program, depth + 1)
      end
    end,
  },
  group = {
    5,
    function()
      local left = pick(world.groups)
      if chance(50) then
        left:Add(1)
        finally(function()
          left:Done()
        end, sched.sleep, random(5))
      else
        left:Wait(some_time())
      end
    end,
  },
  future = {
    4,
    function()
      local answer = pick(world.futures)
      if chance(30) then
        answer:Set(1)
      else
        answer:Get(some_time())
      end
    end,
  },
  job = {
    6,
    function(depth)
      local workers, dice = pick(world.pools), random(4)
      if dice == 1 then
        keep(workers:Submit(program, depth + 1))
      elseif dice == 2 then
        keep(workers:SubmitWithin(random(6), program, depth + 1))
      elseif dice == 3 then
        keep(workers:TrySubmit(program, depth + 1))
      elseif workers.jobs[sched.current()] == nil then
        workers:Drain(some_time())
      end
    end,
  },
  actor = {
    3,
    function(depth)
      local made = actor.spawn(pick(NAMES), function(self)
        while true do
          local message, reply = self:Recv(some_time())
          if type(reply) == "table" then
            program(depth + 1)
            reply:Set(message)
          elseif not reply then
            error("boom", 0)
          elseif reply == "closed" then
            return
          end
        end
      end, { mailbox = random(3) - 1, restarts = random(3) - 1, on_failure = function() end })
      if made then
        world.actors[#world.actors + 1] = made
        keep(made.task)
      end
    end,
  },
  tell = {
    3,
    function()
      local found = actor.find(pick(NAMES))
      local asker = sched.current()
      if found and found.task ~= asker and found.life ~= asker then
        assert(not found:IsDone(), "a name belongs to an actor that has ended")
        if chance(70) then
          local ask = { task = sched.current(), actor = found }
          world.asked[#world.asked + 1] = ask
          finally(function()
            ask.task = false
          end, function()
            local answer, _, code = found:Call("question", some_time())
            assert(answer == "question" or code, "a call came back with nothing")
          end)
        else
          found:Send("news", some_time())
        end
      end
      if chance(10) then
        actor.broadcast("news", { NAMES[1] })
      elseif found and chance(20) then
        found:Stop()
      end
    end,
  },
  fail = {
    1,
    function()
      error("boom", 0)
    end,
  },
}

local WHEEL = {}
do
  local names = {}
  for name in pairs(OPERATIONS) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    for _ = 1, OPERATIONS[name][1] do
      WHEEL[#WHEEL + 1] = name
    end
  end
end

--- What a task does: some operations, one after the other.
function program(depth)
  for _ = 1, random(6) do
    if world.is_last or world.budget <= 0 or depth > DEPTH then
      return
    end
    world.budget = world.budget - 1
    local name = pick(WHEEL)
    note(name)
    OPERATIONS[name][2](depth)
  end
end

--- The tasks of a list of waiters. Each waits, and the list counts them right.
local function waiting_in(list)
  local tasks = {}
  for place = list.first, list.last do
    local entry = list[place]
    if entry then
      local task = entry.selection and entry.selection.task or entry
      assert(sched.state(task) == "parked", "a list has a task that does not wait")
      tasks[#tasks + 1] = task
    end
  end
  assert(#tasks == list.count, "a list has lost count")
  return tasks
end

--- A task that is to end does not wait, but for its scopes and for a lock that it has had.
local function check_cancelled(task)
  local worker = task.worker
  local waiter = worker and worker.is_parked and worker.waiter
  if waiter and not waiter.is_deaf then
    local reason = task.frame and task.frame.stop
    if not task.frame then
      reason = task.doomed or task.home.stop
    end
    assert(not reason, "a task waits that is to end")
  end
end

--- Nobody waits for what is there.
local function check_rest()
  for _, ch in ipairs(world.channels) do
    local receivers, senders = waiting_in(ch.receivers), waiting_in(ch.senders)
    local count = ch.last - ch.first + 1
    assert(#receivers == 0 or count == 0, "a receiver waits at a channel with values")
    assert(#senders == 0 or count == ch.room, "a sender waits at a channel with room")
    assert(#receivers + #senders == 0 or not ch.is_closed, "a task waits at a closed channel")
    for _, receiver in ipairs(receivers) do
      for _, sender in ipairs(senders) do
        assert(receiver == sender, "a sender and a receiver wait for each other")
      end
    end
  end
  for _, lock in ipairs(world.locks) do
    assert(#waiting_in(lock.list) == 0 or lock.owner, "a task waits for a lock that is free")
    assert(not lock.owner or not lock.owner:IsDone(), "a task has ended with a lock")
  end
  for n, seats in ipairs(world.semaphores) do
    assert(#waiting_in(seats.list) == 0 or seats.permits == 0, "a task waits for a free permit")
    assert(seats.permits + world.held[n] == world.permits[n], "a permit was lost or made")
  end
  for _, left in ipairs(world.groups) do
    assert(#waiting_in(left.list) == 0 or left.count > 0, "a task waits for a group that is done")
  end
  for _, answer in ipairs(world.futures) do
    local has_waiters = answer.list and #waiting_in(answer.list) > 0
    assert(not has_waiters or not answer.results, "a task waits for a result that is there")
  end
  for _, task in ipairs(world.tasks) do
    check_cancelled(task)
    local joiners = task.joiners
    assert(not task:IsDone() or not joiners or joiners.count == 0, "a task joins one that is done")
  end
  for _, workers in ipairs(world.pools) do
    local has_idle = workers.running < workers.workers
    assert(workers.promised == 0, "a place in a pool is kept for nobody")
    assert(workers.waiting.count == 0 or not has_idle, "a job waits beside an idle worker")
    assert(workers.running + workers.waiting.count == workers.count, "a pool has lost count")
    local is_full = workers.count >= workers.workers + workers.queue
    assert(#waiting_in(workers.submitters) == 0 or is_full, "a task waits to submit, with room")
    assert(#waiting_in(workers.drainers) == 0 or workers.count > 0, "a drained pool is waited for")
  end
end

--- No actor that has ended, or that is back, has somebody who waits for it.
local function check_actors()
  for _, made in ipairs(world.actors) do
    local mailbox = made.mailbox
    local receivers, senders = waiting_in(mailbox.receivers), waiting_in(mailbox.senders)
    assert(#receivers == 0 or mailbox.last < mailbox.first, "an actor waits beside its messages")
    assert(#receivers + #senders == 0 or not mailbox.is_closed, "a closed mailbox is waited at")
    if made:IsDone() then
      assert(mailbox.is_closed, "an actor has ended with an open mailbox")
      assert(made.calls.count == 0 and mailbox:Len() == 0, "an actor has ended with calls")
      assert(actor.find(made.name) ~= made, "an actor has ended with its name")
    else
      assert(actor.find(made.name) == made, "an actor has lost its name")
    end
  end
  for _, ask in ipairs(world.asked) do
    local waits = ask.task and not ask.task:IsDone() and ask.actor:IsDone()
    assert(not waits, "a task waits for an answer of an actor that has ended")
  end
end

--- What happens from outside of tasks, as callbacks do it.
local function interfere()
  local dice = random(12)
  if dice <= 4 then
    keep(sched.spawn(program, 1))
  elseif dice == 5 and #world.tasks > 0 then
    pick(world.tasks):Cancel()
  elseif dice == 6 then
    local value = new_value()
    gave(value, (pick(world.channels):TrySend(value)))
  elseif dice == 7 then
    took(pick(world.channels):TryRecv())
  elseif dice == 8 then
    pick(world.futures):Set(0)
  elseif dice == 9 then
    pick(world.conditions):Broadcast()
  elseif dice == 10 and chance(20) then
    pick(world.channels):Close()
  elseif dice == 11 then
    keep((pick(world.pools):TrySubmit(program, 1)))
  end
end

--- Has everything end: cancels whatever there is until there is nothing.
local function wind_up()
  world.is_last = true
  for _ = 1, 5 do
    for _, task in ipairs(world.tasks) do
      task:Cancel()
    end
    clock.advance(10)
    check_rest()
    check_actors()
  end
  for _, task in ipairs(world.tasks) do
    assert(task:IsDone(), "a task waits for ever")
  end
  assert(clock.tasks() == 0, "tasks are left over")
  assert(clock.timers() == 0, "timers are left over")
end

--- Nothing is held, and every value has gone one way.
local function check_end()
  for _, lock in ipairs(world.locks) do
    assert(not lock.owner, "a lock was not given back")
  end
  for n, seats in ipairs(world.semaphores) do
    assert(seats.permits == world.permits[n], "a permit was not given back")
  end
  for _, left in ipairs(world.groups) do
    assert(left.count == 0, "a group is not done")
  end
  for _, ch in ipairs(world.channels) do
    while ch:Len() > 0 do
      took(ch:TryRecv())
    end
  end
  for value = 1, world.values do
    local was_sent, was_received = world.sent[value], world.received[value]
    assert(not was_sent or was_received, "a value that was sent was lost")
    assert(was_sent or not was_received, "a value came whose sending has failed")
  end
end

local function play_round()
  for _ = 1, 3 do
    keep(sched.spawn(program, 1))
  end
  for _ = 1, 12 do
    interfere()
    if chance(60) then
      clock.advance(random(4) - 1)
      check_rest()
      check_actors()
    end
  end
  clock.settle()
  wind_up()
  check_end()
  for _, found in ipairs(clock.take_errors()) do
    local is_known = found.error == "boom" or tostring(found.error):find("last by: boom", 1, true)
    assert(is_known, tostring(found.error) .. "\n" .. found.traceback)
  end
end

--- One program from its seed: what it did; raises when a claim does not hold.
local function play(seed)
  world = new_world(seed)
  local fine, problem = pcall(clock.run, play_round)
  local trace = world.trace
  if not fine then
    local from = math.max(1, #trace - 30)
    local text = "%s\nCHUCK_SEED=%d CHUCK_ROUNDS=1 repeats it; the last it did:\n%s"
    error(text:format(tostring(problem), seed, table.concat(trace, "\n", from)), 0)
  end
  return table.concat(trace, "\n")
end

describe("random programs of tasks", function()
  it(("keep every promise (%d of them from CHUCK_SEED=%d)"):format(ROUNDS, SEED), function()
    print(("co_interleaving: CHUCK_SEED=%d CHUCK_ROUNDS=%d"):format(SEED, ROUNDS))
    for seed = SEED, SEED + ROUNDS - 1 do
      play(seed)
    end
  end)

  it("do the same again from the same seed", function()
    for seed = SEED, SEED + 9 do
      assert.are.equal(play(seed), play(seed))
    end
  end)

  it("do everything that they can", function()
    local done = {}
    for seed = 1, 200 do
      for name in play(seed):gmatch("%d+ (%l[%l_]*)") do
        done[name] = true
      end
    end
    for name in pairs(OPERATIONS) do
      assert.is_true(done[name], name)
    end
  end)
end)
