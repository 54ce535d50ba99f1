--- Commands as methods: `client:HSet(…)`, made when they are first used, in any case of letters.

local commands = require("chuck.redis.commands")

local methods = {}

--- Has `class` answer to commands that it does not have itself: each calls `perform(self, spec, …)`.
function methods.add(class, perform)
  return setmetatable(class, {
    __index = function(_, name)
      local spec = type(name) == "string" and commands.by_method[name:lower()]
      if not spec then
        return nil
      end
      local function method(self, ...)
        return perform(self, spec, ...)
      end
      class[name] = method
      return method
    end,
  })
end

--- The specification of a command that is not in the list: nothing is known of it.
local function unknown(name)
  return { name = name, words = { name } }
end

--- The specification of a command by its name, in any case of letters; two words are one name.
function methods.spec(name)
  return commands.specs[name] or commands.specs[name:upper()] or unknown(name)
end

return methods
