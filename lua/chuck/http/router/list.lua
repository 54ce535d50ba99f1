--- The routes of a router, for people: sorted, and printed as a table.

local layers = require("chuck.http.router.layers")

local function by_pattern(left, right)
  if left.pattern ~= right.pattern then
    return left.pattern < right.pattern
  end
  return left.method < right.method
end

local function is_below(text, prefix)
  return prefix == "" or (text .. "/"):sub(1, #prefix + 1) == prefix .. "/"
end

local METATABLE = {
  __tostring = function(list)
    local lines, widest = {}, 6
    for _, route in ipairs(list) do
      widest = math.max(widest, #route.method)
    end
    for i, route in ipairs(list) do
      local line = ("%-" .. widest .. "s  %s"):format(route.method, route.pattern)
      lines[i] = line .. (route.layers > 0 and ("  (%d layers)"):format(route.layers) or "")
    end
    return table.concat(lines, "\n")
  end,
}

--- Those of `routes` below a prefix: a list of `{ method, pattern, layers }`.
return function(routes, prefix)
  local list = {}
  for _, route in ipairs(routes) do
    if type(route.method) == "string" and is_below(route.pattern, prefix) then
      list[#list + 1] = {
        method = route.method == "*" and "ANY" or route.method,
        pattern = route.pattern,
        layers = #layers.of(route),
      }
    end
  end
  table.sort(list, by_pattern)
  return setmetatable(list, METATABLE)
end
