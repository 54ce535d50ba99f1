--- Replies of RESP2 in the shape that RESP3 gives them.
---
---     shapes.give(specs.HGETALL, { "a", "1", "b", "2" })     --> { a = "1", b = "2" }

local outcome = require("chuck.redis.outcome")

local shapes = {}

local function map(list)
  local made = {}
  for i = 1, #list - 1, 2 do
    made[list[i]] = list[i + 1]
  end
  return made
end

local NUMBERS = { inf = 1 / 0, ["-inf"] = -1 / 0, nan = 0 / 0 }

local function double(text)
  return tonumber(text) or NUMBERS[text] or text
end

local GIVERS = { map = map, double = double }

--- A reply as RESP3 would have it; `...` are the arguments of the command.
function shapes.give(spec, value)
  local giver = GIVERS[spec.shape]
  if giver and value ~= outcome.null then
    return giver(value)
  end
  return value
end

return shapes
