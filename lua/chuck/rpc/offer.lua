--- Services that somebody offers to many connections, of what an option names.

local callee = require("chuck.rpc.callee")
local errors = require("chuck.rpc.errors")

local offer = {}

--- Services of a table of functions, or of `rpc.services`: the list itself, which the program may
--- go on with. Argument `n` of `method` is to blame.
function offer.shared(given, method, n)
  if getmetatable(given) == "rpc.services" then
    return given
  elseif given == nil then
    return callee.services()
  end
  local fine, made = pcall(callee.services, given)
  if not fine then
    local why = tostring(made):match("%((.*)%)$") or tostring(made)
    errors.raise(method, n, "services: " .. why)
  end
  return made
end

--- Services of one's own, beside those that were given.
function offer.own(given, method, n)
  local services = callee.services()
  if given ~= nil then
    setmetatable(services.list, { __index = offer.shared(given, method, n).list })
  end
  return services
end

return offer
