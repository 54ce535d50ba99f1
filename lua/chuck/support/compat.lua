--- What differs between Lua 5.1 to 5.4 and LuaJIT. The only file that asks which Lua this is.

local compat = {}

--- `table.unpack`, a global until 5.1.
compat.unpack = table.unpack or unpack

--- Packs values with their count, so that nil survives.
compat.pack = table.pack or function(...)
  return { n = select("#", ...), ... }
end

--- Whether `pcall` can be yielded across: everywhere but on Lua 5.1 itself.
compat.yields_across_pcall = _VERSION ~= "Lua 5.1" or jit ~= nil

--- Closes what a dead coroutine left to be closed; before 5.4 there is nothing of the kind.
compat.close = coroutine.close or function() end

--- An object that calls `fn()` when it is collected, and at the end of the state. From 5.2 on
--- tables have finalizers; before, only what `newproxy` makes.
function compat.finalizer(fn)
  local new = rawget(_G, "newproxy")
  if new then
    local object = new(true)
    getmetatable(object).__gc = fn
    return object
  end
  return setmetatable({}, { __gc = fn })
end

return compat
