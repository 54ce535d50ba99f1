--- What tasks need of the native core: a loop to run in, signals, and a place for errors.

local native = require("chuck.native")

local loop = {}

--- The longest time of one timer of an engine, in milliseconds.
local LONGEST = 86399999

local register = native.RegTimer

--- A timer that is further away than the engine's can be.
local function far_timer(engine, ms, fn)
  local rest = ms - LONGEST
  return register(engine, LONGEST, function()
    if rest <= 0 then
      return fn()
    end
    local step = math.min(rest, LONGEST)
    rest = rest - step
    return math.max(1, math.floor(step))
  end)
end

loop.engine = native.engine

--- The time in milliseconds, by which engines go as well.
loop.clock = native.systick

--- What the scheduler needs of an engine. Once that is closed nothing waits any more.
function loop.driver(engine)
  return {
    engine = engine,
    post = function(fn)
      engine:Post(fn)
    end,
    timer = function(ms, fn)
      return assert((ms > LONGEST and far_timer or register)(engine, ms, fn))
    end,
    now = loop.clock,
    -- It counts whole milliseconds.
    grain = 1,
  }
end

--- Calls `fn(name)` at the first SIGINT or SIGTERM; the second takes its default action. Returns a
--- function that ends the watch.
function loop.on_interrupt(engine, fn)
  local signalers = {}
  local function unwatch()
    for _, signaler in ipairs(signalers) do
      signaler:Remove()
    end
  end
  for _, name in ipairs({ "SIGINT", "SIGTERM" }) do
    local signaler = native.signal.signaler(native.signal[name])
    if signaler then
      signaler:Register(engine, function()
        unwatch()
        fn(name)
      end)
      signalers[#signalers + 1] = signaler
    end
  end
  return unwatch
end

--- Logs an error as those of callbacks are.
loop.report = native.log.report

return loop
