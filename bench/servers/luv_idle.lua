--- luv: the work of idle.lua. A luv callback is not told its stream, so each needs a closure.
---
---     lua luv_idle.lua COUNT

local host = require("luv_host")

local expected = tonumber(arg[1]) or 10000
local echoed = 0

host.serve(function(stream)
  stream:read_start(function(_, chunk)
    if not chunk then
      stream:close()
      return
    end
    stream:write(chunk)
    echoed = echoed + 1
    if echoed == expected then
      collectgarbage()
      collectgarbage()
    end
  end)
end)
