--- What is known of every command of Redis: where its keys are, what it does, how long it blocks.
---
---     local spec = commands.specs["HGET"]             -- by name; "CLIENT INFO" for subcommands
---     spec.method, spec.is_read_only, spec.first_key  --> HGet  true  1
---     commands.by_method["clientinfo"]                -- by method, in small letters
---     commands.find("config", "get")                  -- as they are written in a command
---
--- A spec has: `name`; `words`, how the command begins on the wire; `method`; `is_read_only`,
--- `is_write`, `is_blocking`, `is_pubsub`, `is_admin`, `is_container` (it has subcommands); and
--- where its keys are. Positions count what stands behind `words`, from 1.
---
--- `first_key`, `last_key`, `step`: keys at fixed positions, all 0 when there are none. A negative
--- `last_key` counts from the end, -1 is the last argument. Some have more keys, or only these:
--- `key_number`: the position of a number, and behind it so many keys (EVAL, ZUNION).
--- `keys_after`: a word, and behind it only keys (MIGRATE); `is_half`: of what follows the word the
--- first half (XREAD). `key_after`: a list of words with one key behind each (SORT … STORE).
---
--- `block`: where a blocking command has its time: "first" or "last" argument in seconds,
--- "second" in milliseconds (WAIT), or "BLOCK", the word before the milliseconds.
--- `shape`: how its reply of RESP2 becomes that of RESP3, see `shapes`.
local list = require("chuck.redis.command_list")

local commands = {
  --- By name: "HGET", "CLIENT INFO".
  specs = {},
  --- By method in small letters: "hget", "clientinfo"; also "eval_ro" beside "evalro".
  by_method = {},
  --- Of the server that told all this.
  VERSION = list.VERSION,
}

local FLAGS = {
  r = "is_read_only",
  w = "is_write",
  b = "is_blocking",
  p = "is_pubsub",
  a = "is_admin",
  c = "is_container",
}

local function split(text, pattern)
  local found = {}
  for part in text:gmatch(pattern) do
    found[#found + 1] = part
  end
  return found
end

--- What stands behind a line's columns: `shape=map`, `half`.
local function add_extras(spec, extras)
  for name, value in extras:gmatch("(%w+)=?(%S*)") do
    if name == "number" then
      spec.key_number = tonumber(value)
    elseif name == "after" then
      spec.keys_after = value
    elseif name == "half" then
      spec.is_half = true
    elseif name == "one" then
      spec.key_after = split(value, "[^,]+")
    else
      spec[name] = value
    end
  end
end

--- What most specs have in common is kept once: there are hundreds, and every collection of
--- garbage looks at each of them.
local USUAL = {
  __index = {
    is_read_only = false,
    is_write = false,
    is_blocking = false,
    is_pubsub = false,
    is_admin = false,
    is_container = false,
    first_key = 0,
    last_key = 0,
    step = 0,
    key_number = false,
    keys_after = false,
    is_half = false,
    key_after = false,
    block = false,
    shape = false,
  },
}

local function read(line)
  local name, method, flags, keys, extras = line:match("^(%S+) (%S+) (%S+) (%S+) ?(.*)$")
  local spec = { name = name:gsub("|", " "), words = split(name, "[^|]+"), method = method }
  for flag in flags:gmatch("%l") do
    spec[FLAGS[flag]] = true
  end
  if keys ~= "-" then
    local first, last, step = keys:match("^(%d+),(%-?%d+),(%d+)$")
    spec.first_key, spec.last_key, spec.step = tonumber(first), tonumber(last), tonumber(step)
  end
  if extras ~= "" then
    add_extras(spec, extras)
  end
  return setmetatable(spec, USUAL)
end

for line in list.LINES:gmatch("[^\n]+") do
  local spec = read(line)
  commands.specs[spec.name] = spec
  commands.by_method[spec.method:lower()] = spec
  if spec.name:find("_", 1, true) then
    commands.by_method[spec.name:lower()] = spec
  end
end

--- The spec of a command as it is written, in any case of letters: `find("config", "get")` is that
--- of CONFIG GET, `find("get", "key")` of GET. `nil` when it is not known.
--- @param word string the first word
--- @param second? any the argument behind it
--- @return table? spec
function commands.find(word, second)
  local spec = commands.specs[word:upper()]
  if spec and spec.is_container and type(second) == "string" then
    return commands.specs[spec.name .. " " .. second:upper()] or spec
  end
  return spec
end

return commands
