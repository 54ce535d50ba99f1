--- chuck.co.

local co = require("chuck").co

local work = {}

local function empty() end

function work.spawn(count, batch)
  co.run(function()
    for _ = 1, count / batch do
      for _ = 1, batch do
        co.spawn(empty)
      end
      co.yield() -- all of them run, and end
    end
  end)
end

function work.yield(count, number)
  local rounds = count / number
  co.run(function()
    for _ = 1, number do
      co.spawn(function()
        for _ = 1, rounds do
          co.yield()
        end
      end)
    end
  end)
end

function work.pass(count, room)
  co.run(function()
    local channel = co.channel(room)
    co.spawn(function()
      for value = 1, count do
        channel:Send(value)
      end
    end)
    for value = 1, count do
      assert(channel:Recv() == value)
    end
  end)
end

function work.sleep(count, due, all_parked)
  local woken = 0
  local function sleeper(ms)
    co.sleep(ms)
    woken = woken + 1
  end
  co.run(function()
    for index = 1, count do
      co.spawn(sleeper, due[index])
    end
    co.yield()
    assert(woken == 0, "some have woken before all were parked")
    all_parked()
  end)
  return woken
end

return work
