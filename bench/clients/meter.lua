--- Counts calls that have come back, and prints their rate when enough have.
---
---     local meter = require("meter")
---     local answered = meter.new(chuck.systick)     -- a clock in milliseconds
---     if answered() then ... end                    -- true with the last one
---
--- The first tenth warms up and does not count.

local meter = {}

--- What the program was called with: port, calls under way, calls in all.
function meter.arguments()
  return tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3])
end

local function report(name, number)
  print(('{"name":"%s","rate":%.3f}'):format(name, number))
end

function meter.new(now)
  local _, _, total = meter.arguments()
  local warm = math.floor(total / 10)
  local count, begin, used = 0, 0, 0
  return function()
    count = count + 1
    if count == warm then
      collectgarbage()
      begin, used = now(), os.clock()
    elseif count == total then
      report("calls", (total - warm) / (now() - begin) * 1000)
      report("total", total)
      report("client", (os.clock() - used) / (total - warm) * 1e6)
      return true
    end
    return false
  end
end

return meter
