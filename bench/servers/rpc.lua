--- chuck: serves calls of `add(a, b)`, each in a task of its own.

local chuck = require("chuck")

local rpc = chuck.rpc

local function serve(stream)
  local peer = rpc.peer(stream)
  peer:Register("add", function(a, b)
    return a + b
  end)
  peer:Wait()
end

chuck.co.run(function()
  local options = { decoder = rpc.framing() }
  local listener = assert(chuck.io.listen("127.0.0.1:0", serve, options))
  print("listening " .. listener:GetSockAddr():match("%d+$"))
  io.stdout:flush()
end)
