--- What requests pass on their way to a handler: functions of `req`, `res` and `next`.
---
--- Layers belong to routers and groups, and to single routes. Those of a route are put together
--- when it is first asked for, and again when any router was given another.

local layers = {}

--- Counts every `Use`: layers that were put together before are put together anew.
local edition = 0

--- Some router was given a layer.
function layers.note_change()
  edition = edition + 1
end

--- Everything that a handler passes before it runs: layers of the scopes, from the outermost, and
--- its own.
local function list_of(route)
  if route.edition == edition then
    return route.layers
  end
  local list = {}
  local function climb(scope)
    if scope.outer then
      climb(scope.outer)
    end
    for _, layer in ipairs(scope.layers) do
      list[#list + 1] = layer
    end
  end
  for _, scope in ipairs(route.scopes) do
    climb(scope)
  end
  for _, layer in ipairs(route.own) do
    list[#list + 1] = layer
  end
  route.layers, route.edition = list, edition
  return list
end

layers.of = list_of

--- Runs the layers from the n-th on, then the handler. A text that it returns is sent here: layers
--- need not pass it on.
---@async
local function pass(list, n, handler, req, res)
  local layer = list[n]
  if layer then
    local is_called = false
    layer(req, res, function()
      if is_called then
        error("'next' was called before: a request passes a layer once", 2)
      end
      is_called = true
      pass(list, n + 1, handler, req, res)
    end)
    return
  end
  local out = handler(req, res)
  if type(out) == "string" and not res:IsEnded() then
    res:End(out)
  end
end

--- Runs what answers a request, behind the layers of a route.
---@async
function layers.run(route, handler, req, res)
  local list = list_of(route)
  if list[1] then
    return pass(list, 1, handler, req, res)
  end
  return handler(req, res)
end

return layers
