--- cqueues. It has no channel: a table and two conditions are its way to hand values over.
---
--- `poll()` without arguments gives way to the others. `sleep(0)` says the same in twice the time.

local condition = require("cqueues.condition")
local cqueues = require("cqueues")

local work = {}

local function empty() end

--- Runs until every coroutine has ended.
local function run(fn)
  local queue = cqueues.new()
  queue:wrap(fn, queue)
  assert(queue:loop())
end

function work.spawn(count, batch)
  run(function(queue)
    for _ = 1, count / batch do
      for _ = 1, batch do
        queue:wrap(empty)
      end
      cqueues.poll()
    end
  end)
end

function work.yield(count, number)
  local rounds = count / number
  run(function(queue)
    for _ = 1, number do
      queue:wrap(function()
        for _ = 1, rounds do
          cqueues.poll()
        end
      end)
    end
  end)
end

--- One slot and its owner: the sender waits until its value was taken.
local function pass_directly(count)
  run(function(queue)
    local filled, emptied = condition.new(), condition.new()
    local slot, is_full = nil, false
    queue:wrap(function()
      for value = 1, count do
        slot, is_full = value, true
        filled:signal(1)
        while is_full do
          emptied:wait()
        end
      end
    end)
    for value = 1, count do
      while not is_full do
        filled:wait()
      end
      assert(slot == value)
      is_full = false
      emptied:signal(1)
    end
  end)
end

function work.pass(count, room)
  if room == 0 then
    return pass_directly(count)
  end
  run(function(queue)
    local filled, emptied = condition.new(), condition.new()
    local values, first, last = {}, 1, 0
    queue:wrap(function()
      for value = 1, count do
        while last - first + 1 >= room do
          emptied:wait()
        end
        last = last + 1
        values[last] = value
        filled:signal(1)
      end
    end)
    for value = 1, count do
      while first > last do
        filled:wait()
      end
      assert(values[first] == value)
      values[first] = nil
      first = first + 1
      emptied:signal(1)
    end
  end)
end

function work.sleep(count, due, all_parked)
  local woken = 0
  local function sleeper(ms)
    cqueues.sleep(ms / 1000)
    woken = woken + 1
  end
  run(function(queue)
    for index = 1, count do
      queue:wrap(sleeper, due[index])
    end
    cqueues.poll()
    assert(woken == 0, "some have woken before all were parked")
    all_parked()
  end)
  return woken
end

return work
