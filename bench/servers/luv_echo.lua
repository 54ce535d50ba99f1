--- luv: the work of echo.lua.

local host = require("luv_host")

host.serve(function(stream)
  stream:read_start(function(_, chunk)
    if chunk then
      stream:write(chunk)
    elseif not stream:is_closing() then
      stream:close()
    end
  end)
end)
