--- luv: the work of rpc.lua, by hand; each call is served in a coroutine of its own.

local calls = require("luv_calls")
local host = require("luv_host")

local unpack = table.unpack or unpack

local services = {
  add = function(a, b)
    return a + b
  end,
}

host.serve(function(stream)
  local write
  local function serve(message)
    local result = services[message.name](unpack(message.args))
    write({ id = message.id, result = result })
  end
  write = calls.speak(stream, function(message)
    coroutine.wrap(serve)(message)
  end)
end)
