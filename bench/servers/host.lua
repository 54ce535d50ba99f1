--- Listen on a free port of 127.0.0.1, say which, and serve until the process is killed.
---
---     host.serve(function(engine, fd) ... end)      --> prints "listening 40123"
---
--- `on_client` receives the engine and the descriptor of each accepted connection.

local chuck = require("chuck")

local host = {}

local helper = chuck.socket_helper

local function listener()
  local fd = helper.socket(helper.AF_INET, helper.SOCK_STREAM, helper.IPPROTO_TCP)
  assert(fd >= 0, "no socket")
  assert(helper.listen(fd, "127.0.0.1", 0) == 0, "cannot listen")
  return fd, assert(helper.getsockname(fd)):match("%d+$")
end

--- @param on_client fun(engine: table, fd: integer)
function host.serve(on_client)
  local engine = chuck.engine()
  local fd, port = listener()
  local acceptor = chuck.acceptor(fd)
  assert(acceptor:Add2Engine(engine, function(client, err)
    if err == 0 then
      on_client(engine, client)
    end
  end))
  print("listening " .. port)
  io.stdout:flush()
  engine:Run()
end

return host
