--- Commands by their names, and in one line: methods of whatever sends commands.

local compat = require("chuck.support.compat")
local methods = require("chuck.redis.methods")
local options = require("chuck.redis.options")
local outcome = require("chuck.redis.outcome")
local words = require("chuck.redis.words")

local calls = {}

--- Words of a line that are handed on one by one: a stack has room for some thousands.
local MANY = 1000

local HOW = { timeout_ms = "milliseconds", idempotent = "boolean" }

--- Raises for what is no name of a command.
local function expect_name(method, n, name)
  if type(name) ~= "string" then
    outcome.raise(method, n, "string expected, got " .. outcome.kind_of(name))
  end
end

--- Gives `class` its methods: `expect(self, name)` raises for what is not of it,
--- `perform(self, spec, ...)` sends a command, `perform_with(self, how, spec, ...)` with options.
function calls.extend(class, expect, perform, perform_with)
  --- Any command by its name: a value, or what `redis/outcome.lua` says. Parks.
  ---@async
  function class:Call(name, ...)
    expect(self, "Call")
    expect_name("Call", 1, name)
    local spec, from = methods.find(name, ...)
    return perform(self, spec, select(from, ...))
  end

  --- As `Call`, with options for this command: `timeout_ms`, and whether it is `idempotent`.
  ---@async
  function class:CallWith(how, name, ...)
    expect(self, "CallWith")
    options.check("CallWith", 1, how, HOW)
    expect_name("CallWith", 2, name)
    local spec, from = methods.find(name, ...)
    return perform_with(self, how, spec, select(from, ...))
  end

  --- A command in one line, taken apart as a shell would (redis/words.lua). Parks.
  ---@async
  function class:Do(line)
    expect(self, "Do")
    expect_name("Do", 1, line)
    local list, why = words.split(line)
    if not list then
      return nil, "Do: " .. why, "EINVAL"
    end
    local spec, from = methods.find(list[1], list[2])
    for _ = 1, from do
      table.remove(list, 1)
    end
    if #list > MANY then
      return perform(self, spec, list)
    end
    return perform(self, spec, compat.unpack(list))
  end
end

return calls
