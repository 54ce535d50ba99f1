--- luv: listen on a free port of 127.0.0.1, say which, and serve until the process is killed.

local uv = require("luv")

local luv_host = {}

--- @param on_client fun(stream: userdata) an accepted stream without delay
function luv_host.serve(on_client)
  local server = uv.new_tcp()
  assert(server:bind("127.0.0.1", 0))
  assert(server:listen(4096, function()
    local stream = uv.new_tcp()
    server:accept(stream)
    stream:nodelay(true)
    on_client(stream)
  end))
  print("listening " .. server:getsockname().port)
  io.stdout:flush()
  uv.run()
end

return luv_host
