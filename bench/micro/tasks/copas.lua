--- copas, since 2.0. Older ones, as Debian's, are told as missing.

-- Debian lays it out for Lua 5.1 and 5.2 alone, and it runs on the others as it is.
package.path = package.path .. ";/usr/share/lua/5.2/?.lua"
local copas = require("copas")

--- Gives way, or sleeps for some seconds: `sleep` since 2.0, `pause` since 4.
local pause = copas.pause or copas.sleep

if not pause then
  -- 1.x runs a task inside of `addthread` until it waits for a socket: there is no scheduler.
  return { why = copas._VERSION .. " knows no wait but for sockets; 4 is asked for" }
end

local work = {}

local function empty() end

local addthread = copas.addthread

--- Runs until every coroutine has ended.
local function run(fn)
  addthread(fn)
  copas.loop()
end

function work.yield(count, number)
  local rounds = count / number
  run(function()
    for _ = 1, number do
      addthread(function()
        for _ = 1, rounds do
          pause(0)
        end
      end)
    end
  end)
end

function work.sleep(count, due, all_parked)
  local woken = 0
  local function sleeper(ms)
    pause(ms / 1000)
    woken = woken + 1
  end
  run(function()
    for index = 1, count do
      addthread(sleeper, due[index])
    end
    pause(0)
    assert(woken == 0, "some have woken before all were parked")
    all_parked()
  end)
  return woken
end

if copas.pause then
  -- Older ones run a task inside of `addthread` until it waits: nothing is scheduled.
  function work.spawn(count, batch)
    run(function()
      for _ = 1, count / batch do
        for _ = 1, batch do
          addthread(empty)
        end
        pause(0)
      end
    end)
  end
end

local has_queue, queue = pcall(require, "copas.queue")
if not has_queue then
  work.why = copas._VERSION .. " is too old for this"
  return work
end

--- Its queue has no limit, so nobody waits to send; `pop` waits for a value.
function work.pass(count)
  run(function()
    local values = queue.new()
    addthread(function()
      for value = 1, count do
        values:push(value)
      end
    end)
    for value = 1, count do
      assert(values:pop() == value)
    end
  end)
end

return work
