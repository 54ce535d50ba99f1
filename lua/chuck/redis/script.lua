--- Scripts that run in the server.
---
---     local add = redis.script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
---     print(client:Run(add, { "sum" }, { 5 }))        --> 5
---
--- A script is called by its SHA-1, which the server tells once: SCRIPT LOAD, the first time that
--- any client runs it. A server that does not have it (another node, one that was started again) is
--- sent the source by EVAL, which is kept there and carried out in one step.

local commands = require("chuck.redis.commands")
local outcome = require("chuck.redis.outcome")

local metatable_of = debug.getmetatable
local specs = commands.specs

local script = {}

local METATABLE = { __metatable = "redis.script" }

--- A script of a source.
function script.new(source)
  if type(source) ~= "string" then
    outcome.raise("script", 1, "string expected, got " .. outcome.kind_of(source))
  end
  return setmetatable({
    source = source,
    --- Its SHA-1 in hexadecimal digits, once a server has told it.
    sha = false,
  }, METATABLE)
end

--- Raises unless argument `n` of `name` is left out or a list of what can be sent.
local function check_list(name, n, list)
  if list == nil then
    return
  elseif type(list) ~= "table" then
    outcome.raise(name, n, "list expected, got " .. outcome.kind_of(list))
  end
  for i = 1, #list do
    local kind = type(list[i])
    if kind ~= "string" and kind ~= "number" then
      local text = "string or number expected in place %d, got %s"
      outcome.raise(name, n, text:format(i, kind))
    end
  end
end

local NONE = {}

--- Checks what a script is called with: keys and arguments, as lists.
local function check(name, keys, args)
  check_list(name, 2, keys)
  check_list(name, 3, args)
  return keys or NONE, args or NONE
end

--- The same for `Run`.
function script.check(made, keys, args)
  if metatable_of(made) ~= METATABLE then
    outcome.raise("Run", 1, "redis.script expected, got " .. outcome.kind_of(made))
  end
  return check("Run", keys, args)
end

local function is_sha(text)
  return type(text) == "string" and #text == 40 and text:find("^%x+$") ~= nil
end

--- Runs a script by `perform(self, spec, ...)`.
---@async
local function run(self, perform, made, keys, args)
  if not made.sha then
    local sha, message, code, err = perform(self, specs["SCRIPT LOAD"], made.source)
    if sha == nil then
      return nil, message, code, err
    elseif not is_sha(sha) then
      -- A transform of the program has changed it.
      return perform(self, specs.EVAL, made.source, #keys, keys, args)
    end
    made.sha = sha
  end
  local value, message, code, err = perform(self, specs.EVALSHA, made.sha, #keys, keys, args)
  if err and code == "NOSCRIPT" then
    return perform(self, specs.EVAL, made.source, #keys, keys, args)
  elseif message then
    return value, message, code, err
  end
  return value
end

--- Commands with a number of keys, the keys and arguments, which may be two lists instead.
local WITH_KEYS = { "EVAL", "EVAL_RO", "EVALSHA", "EVALSHA_RO", "FCALL", "FCALL_RO" }

--- Gives a class of clients `Eval`, `FCall` and their kin with lists; `perform` sends, or queues.
function script.add_lists(class, perform)
  for _, name in ipairs(WITH_KEYS) do
    local spec = specs[name]
    class[spec.method] = function(self, what, keys, ...)
      if keys ~= nil and type(keys) ~= "table" then
        return perform(self, spec, what, keys, ...)
      end
      local args
      keys, args = check(spec.method, keys, (...))
      return perform(self, spec, what, #keys, keys, args)
    end
  end
end

--- Gives a class of clients `Run`, and lists for `Eval` and its kin.
function script.extend(class, expect, perform)
  script.add_lists(class, perform)

  --- Runs a script with keys and arguments: what it answers.
  ---@async
  function class:Run(made, keys, args)
    expect(self, "Run")
    keys, args = script.check(made, keys, args)
    return run(self, perform, made, keys, args)
  end
end

return script
