--- Where a server is: an address, or a thread.

local io = require("chuck.io")

local place = {}

--- Whether something names a place: text, or the handle of a thread.
function place.is_one(addr)
  return type(addr) == "string" or getmetatable(addr) == "cthread"
end

--- A place as links know it; `framing` decodes what a stream of bytes brings.
function place.of(addr, framing)
  if type(addr) ~= "string" then
    return {
      name = tostring(addr),
      dial = function()
        return require("chuck.rpc.mail").open(addr)
      end,
    }
  end
  return {
    name = addr,
    dial = function(timeout_ms)
      return io.connect(addr, { decoder = framing, timeout_ms = timeout_ms })
    end,
  }
end

return place
