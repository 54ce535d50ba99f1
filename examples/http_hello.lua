-- A web server in a few lines: a task for every request.
--
--     lua examples/http_hello.lua 127.0.0.1:8080
--     curl -i http://127.0.0.1:8080/?name=you
--
-- Without an address it asks itself once, and ends.
local chuck = require("chuck")
local co, http, io = chuck.co, chuck.http, chuck.io

local function hello(req, res)
  if req.path ~= "/" then
    error(http.error(404, "there is nothing at " .. req.path))
  end
  res:Set("X-Served", req.server:Stats().requests):Text("hello, " .. req.ip .. "\n")
end

co.run(function()
  local server = assert(http.serve(arg[1] or "127.0.0.1:0", hello))
  print("listening at http://" .. server:GetSockAddr())
  if arg[1] then
    -- Ctrl-C ends it.
    return
  end
  local stream = assert(io.connect(server:GetSockAddr()))
  stream:Write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
  print(stream:ReadAll())
  server:Shutdown(1000)
end)
