--- Operations per CPU second, printed as one line of JSON each.
---
---     rate.report("add", 1000000, cpu_seconds)
---     rate.measure("encode", 0.5, function() ... end)

local rate = {}

--- Calls between two looks at the clock.
local BATCH = 500

--- Prints the rate of `count` operations that took `secs` of CPU time.
function rate.report(name, count, secs)
  print(string.format('{"name":"%s","count":%d,"rate":%.0f}', name, count, count / secs))
end

--- Prints a number of another kind that belongs to `count` operations.
function rate.print(name, count, number)
  print(string.format('{"name":"%s","count":%d,"rate":%.2f}', name, count, number))
end

--- Prints the nanoseconds of each of `count` operations that took `secs` of CPU time.
function rate.cost(name, count, secs)
  rate.print(name, count, secs / count * 1e9)
end

--- Repeats `operation` for `secs` of CPU time and prints its rate.
function rate.measure(name, secs, operation)
  for _ = 1, BATCH do
    operation() -- LuaJIT compiles here
  end
  collectgarbage()
  local count, begin = 0, os.clock()
  local used = 0
  while used < secs do
    for _ = 1, BATCH do
      operation()
    end
    count = count + BATCH
    used = os.clock() - begin
  end
  rate.report(name, count, used)
end

return rate
