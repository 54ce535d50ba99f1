--- What the clients of the group redis have in common: their work, and how it is measured.
---
---     rows.measure(now, run)                  -- runs a twentieth, then all of it, and prints
---     rows.publish()                          -- has somebody publish `rows.count` messages
local rows = {
  --- What the program was called with.
  name = arg[1],
  port = tonumber(arg[2]),
  count = tonumber(arg[3]),
  KEYS = 1000,
  SMALL = 16,
  BIG = 1024 * 1024,
  CALLERS = 50,
  BATCH = 100,
  CHANNEL = "bench",
  --- The names of the small values.
  keys = {},
}

local WARM = 20

for i = 1, rows.KEYS do
  rows.keys[i] = "key:" .. i - 1
end

function rows.publish()
  local status = os.execute(os.getenv("PUBLISH"))
  assert(status == 0 or status == true, "nobody publishes")
end

--- Prints microseconds of CPU time for each, and how many in a second of `now`, a clock in seconds.
--- `run(count)` does the work. Messages come once, so they have nothing to warm up with.
function rows.measure(now, run)
  if rows.name ~= "messages" then
    run(math.ceil(rows.count / WARM))
  end
  collectgarbage()
  collectgarbage()
  local begin, used = now(), os.clock()
  run(rows.count)
  used = os.clock() - used
  print(('{"name":"cpu","rate":%.3f}'):format(used / rows.count * 1e6))
  print(('{"name":"rate","rate":%.0f}'):format(rows.count / (now() - begin)))
end

return rows
