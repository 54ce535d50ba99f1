--- Tasks: one row of work for one library, in a process of its own.
---
---     lua tasks.lua LIBRARY ROW [COUNT]      bare chuck cqueues copas
---
--- Every row runs once to warm up, then is measured with the collector at work as usual. What a
--- library cannot do is told as `missing`, and is no failure.

local rate = require("rate")

local library, row, count = arg[1], arg[2], tonumber(arg[3])

--- Ends the program with why there is no number.
local function missing(why)
  print(('{"name":"missing","why":"%s: %s"}'):format(library, why:match("[^\n]*"):gsub('"', "'")))
  os.exit(0)
end

local is_there, work = pcall(require, "tasks." .. library)
if library == "chuck" or library == "bare" then
  assert(is_there, work)
elseif not is_there then
  missing(tostring(work))
end

--- Nanoseconds of CPU time each: `run(count, parameter)` does the work.
local function measure(name, usual, run, parameter)
  local times = count or usual
  run(math.ceil(times / 20), parameter)
  collectgarbage()
  collectgarbage()
  local begin = os.clock()
  run(times, parameter)
  rate.cost(name, times, os.clock() - begin)
end

local SLEEPERS = 100000

--- When the first sleeper wakes, and over how long a time the others do, in milliseconds.
local SLEEP, SPREAD = 2000, 500

--- Resident memory in bytes.
local function resident()
  local file = assert(io.open("/proc/self/statm"))
  local pages = file:read("*a"):match("^%d+ (%d+)")
  file:close()
  return pages * 4096
end

local function sleepers()
  local number = count or SLEEPERS
  local due = {}
  for index = 1, number do
    due[index] = SLEEP + index % SPREAD
  end
  collectgarbage()
  collectgarbage()
  local before, begin = resident(), os.clock()
  local started, parked
  --- Called when every task is parked: whatever is collected here is not the work of either half.
  local function all_parked()
    started = os.clock()
    collectgarbage()
    collectgarbage()
    rate.print("memory", number, (resident() - before) / number)
    parked = os.clock()
  end
  local woken = work.sleep(number, due, all_parked)
  local ended = os.clock()
  assert(woken == number, "not every task has slept and woken")
  rate.cost("start", number, started - begin)
  rate.cost("wake", number, ended - parked)
end

local rows = {
  spawn = { 2000000, "spawn", 100 },
  burst = { 1000000, "spawn", 10000 },
  yield = { 5000000, "yield", 100 },
  alone = { 3000000, "yield", 1 },
  direct = { 1000000, "pass", 0 },
  buffered = { 2000000, "pass", 64 },
}

if row == "sleep" then
  if not work.sleep then
    missing(work.why or "it cannot sleep")
  end
  sleepers()
else
  local usual, name, parameter = (table.unpack or unpack)(rows[row])
  if not work[name] then
    missing(work.why or ("it has no " .. name))
  end
  measure(row, usual, work[name], parameter)
end
os.exit(0)
