--- Timers: again and again, once, ever slower, stopped from outside, and a wheel turned by hand.
---
---     lua5.4 examples/timers.lua
---
--- Ends on Ctrl-C, or after CHUCK_EXAMPLE_SECONDS.
local chuck = require("chuck")

local signal = chuck.signal

io.stdout:setvbuf("line")

local engine = chuck.engine()
local start = chuck.systick()

local function say(text)
  print(("%6d ms  %s"):format(chuck.systick() - start, text))
end

-- Again and again: the callback returns nothing.
local tick = chuck.RegTimer(engine, 250, function()
  say("tick")
end)

-- Once: a negative result ends the timer.
chuck.RegTimer(engine, 100, function()
  say("once")
  return -1
end)

-- Ever slower: a positive result is the next interval.
local interval = 50
chuck.RegTimer(engine, interval, function()
  interval = interval * 2
  say(("slower: the next in %d ms"):format(interval))
  return interval
end)

-- Stopped from outside.
chuck.RegTimer(engine, 1100, function()
  say("no more ticks")
  tick:UnRegister()
  return -1
end)

-- Late: one that holds the loop for 30 ms makes a timer of 10 ms fire once, not three times.
local fired = 0
local fast = chuck.RegTimer(engine, 10, function()
  fired = fired + 1
end)
chuck.RegTimer(engine, 400, function()
  local before = fired
  local until_then = chuck.systick() + 30
  while chuck.systick() < until_then do
  end
  chuck.RegTimer(engine, 35, function()
    say(("30 ms of work: the fast timer fired %d time(s) for it"):format(fired - before))
    fast:UnRegister()
    return -1
  end)
  return -1
end)

-- A wheel moves only when it is told to: here four times a second, whatever it holds.
local wheel = chuck.TimingWheel()
for n = 1, 3 do
  wheel:Register(n * 200, function()
    say(("wheel: timer %d"):format(n))
    return -1
  end)
end
chuck.RegTimer(engine, 250, function()
  wheel:Tick()
end)

local function stop()
  engine:Stop()
end
signal.signaler(signal.SIGINT):Register(engine, stop)
local seconds = tonumber(os.getenv("CHUCK_EXAMPLE_SECONDS"))
if seconds then
  chuck.RegTimer(engine, seconds * 1000, stop)
end
engine:Run()
say(("%d timers were left"):format(engine:Stats().timers))
