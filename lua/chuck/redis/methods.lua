--- Commands as methods: `client:HSet(…)`, made when they are first used, in any case of letters.

local commands = require("chuck.redis.commands")
local outcome = require("chuck.redis.outcome")

local methods = {}

--- What is known of commands of two words when the second stands in a list of arguments.
local listed = {}

--- The spec of a subcommand whose own word is sent with the arguments, as an argument.
local function in_list(container, spec)
  listed[spec] = listed[spec]
    or setmetatable(
      { words = container.words, first_key = 0, last_key = 0, step = 0 },
      { __index = spec }
    )
  return listed[spec]
end

--- What is known of a command that has subcommands, called with these arguments, and from which of
--- them on its own ones stand. What it does, and whether that is refused, is a matter of the second
--- word.
local function subcommand(container, ...)
  local second = ...
  local word = type(second) == "table" and second[1] or second
  if word ~= nil and type(word) ~= "string" then
    outcome.raise(container.method, 1, "string expected, got " .. outcome.kind_of(word))
  end
  local spec = commands.find(container.name, word)
  if spec == container then
    return container, 1
  elseif word ~= second then
    return in_list(container, spec), 1
  end
  return spec, 2
end

--- The method that a class has already, in other letters: perhaps one that it has made itself.
local function in_other_letters(class, name)
  name = name:lower()
  for key, method in pairs(class) do
    if key:lower() == name then
      return method
    end
  end
end

--- Has `class` answer to commands that it does not have itself: each calls
--- `perform(self, spec, ...)`.
function methods.add(class, perform)
  return setmetatable(class, {
    __index = function(_, name)
      local spec = type(name) == "string" and commands.by_method[name:lower()]
      if not spec then
        return nil
      end
      local own = in_other_letters(class, spec.method)
      if own then
        class[name] = own
        return own
      end
      local function method(self, ...)
        return perform(self, spec, ...)
      end
      if spec.is_container then
        function method(self, ...)
          local exact, from = subcommand(spec, ...)
          return perform(self, exact, select(from, ...))
        end
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
  local spec = commands.find(name, nil)
  if not spec then
    return { name = name, words = { name } }, 1
  elseif spec.is_container then
    return subcommand(spec, ...)
  end
  return spec, 1
end

return methods
