--- Commands as methods: `client:HSet(…)`, made when they are first used, in any case of letters.

local commands = require("chuck.redis.commands")

local methods = {}

--- Has `class` answer to commands that it does not have itself: each calls
--- `perform(self, spec, ...)`.
function methods.add(class, perform)
  return setmetatable(class, {
    __index = function(_, name)
      local spec = type(name) == "string" and commands.by_method[name:lower()]
      if not spec then
        return nil
      end
      local own = rawget(class, spec.method)
      if own then
        -- What the class does in a way of its own, in other letters.
        return own
      end
      local function method(self, ...)
        return perform(self, spec, ...)
      end
      class[name] = method
      return method
    end,
  })
end

--- What is known of a command as it is written, and from which argument on its own ones stand:
--- `find("config", "get", "save")` is CONFIG GET, and 2. Of a command that is not in the list
--- nothing is known.
function methods.find(name, ...)
  local spec = commands.find(name, (...))
  if not spec then
    return { name = name, words = { name } }, 1
  end
  return spec, spec.words[2] and not name:find(" ", 1, true) and 2 or 1
end

return methods
