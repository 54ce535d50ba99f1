--- Arguments that are wrong raise at the line of whoever called the function.
---
---     function module.open(path, options)
---       check.type("open", 1, path, "string")
---       check.options("open", 2, options, { size = "positive integer", on_end = "function" })
---
--- To be called from the function itself, and that not by a tail call: lines are counted by level.

local check = {}

--- The largest number that every native function takes where it takes a whole one.
local INTEGER_MAX = 2 ^ 31 - 1

local function is_whole(value, least)
  return type(value) == "number" and value >= least and value <= INTEGER_MAX and value % 1 == 0
end

--- Kinds beside Lua's types and the names of classes.
local KINDS = {
  ["positive integer"] = function(value)
    return is_whole(value, 1)
  end,
  ["descriptor"] = function(value)
    return is_whole(value, -1)
  end,
  ["list of strings"] = function(value)
    for i = 1, type(value) == "table" and #value or 0 do
      if type(value[i]) ~= "string" then
        return false
      end
    end
    return type(value) == "table" and #value > 0
  end,
  ["whole number"] = function(value)
    return is_whole(value, -INTEGER_MAX)
  end,
  ["count"] = function(value)
    return is_whole(value, 0)
  end,
  -- Bytes, of which there may be more than any native integer of Lua 5.1 counts.
  ["size"] = function(value)
    return type(value) == "number" and value >= 0 and value <= 2 ^ 53 and value % 1 == 0
  end,
  ["permissions"] = function(value)
    if type(value) == "string" then
      value = value:find("^[0-7]+$") and tonumber(value, 8)
    end
    return type(value) == "number" and value >= 0 and value <= 511 and value % 1 == 0
  end,
  ["string or boolean"] = function(value)
    return type(value) == "string" or type(value) == "boolean"
  end,
  ["milliseconds"] = function(value)
    return type(value) == "number" and value >= 0
  end,
}

local LUA_TYPES =
  { boolean = true, ["function"] = true, number = true, string = true, table = true }

local function is_a(value, kind)
  if KINDS[kind] then
    return KINDS[kind](value)
  elseif LUA_TYPES[kind] then
    return type(value) == kind
  end
  -- Classes hide their metatable behind their name.
  return (type(value) == "userdata" or type(value) == "table") and getmetatable(value) == kind
end

--- What a value is, for people.
local function name_of(value)
  return type(value) == "number" and tostring(value) or type(value)
end

--- Four levels: this function, the check, the function with the argument, its caller.
local function raise(name, n, message)
  error(("bad argument #%d to '%s' (%s)"):format(n, name, message), 4)
end

--- Raises at the line that has called into the files of a package, through however many of them.
function check.blame(package, message)
  local files = "chuck[/\\]" .. package .. "[/\\]"
  local own = debug.getinfo(1, "S").source
  local level = 2
  local info = debug.getinfo(level, "S")
  while info and (info.source:find(files) or info.source == own or info.what == "tail") do
    level = level + 1
    info = debug.getinfo(level, "S")
  end
  error(message, level)
end

--- As `check.options`, at whatever depth of a package: its caller is blamed.
function check.blame_options(package, name, n, options, kinds)
  local fine, problem = pcall(check.options, name, n, options, kinds)
  if not fine then
    check.blame(package, (tostring(problem):gsub("^.-:%d+: ", "")))
  end
end

--- The folder of chuck's files, as Lua names them; nil when it does not.
local FOLDER = debug.getinfo(1, "S").source:match("^(.*[/\\])support[/\\][^/\\]*$")

--- Whether a function on the stack is no line of a program that uses chuck.
local function is_inside(info)
  return info.what == "C" or info.what == "tail" or info.source:find(FOLDER, 1, true) == 1
end

--- Raises at the line that has called into chuck, through however many of its files.
function check.blame_outside(message)
  local level = 2
  local info = FOLDER and debug.getinfo(level, "S")
  while info and is_inside(info) do
    level = level + 1
    info = debug.getinfo(level, "S")
  end
  error(message, level)
end

--- Argument `n` of the function `name` is of a kind: a type of Lua's, a class, one of `KINDS`.
function check.type(name, n, value, kind)
  if not is_a(value, kind) then
    raise(name, n, ("%s expected, got %s"):format(kind, name_of(value)))
  end
end

--- What the method `name` is called on is of its class. Its arguments are counted from there on.
function check.self(name, self, class)
  if getmetatable(self) ~= class then
    local message = "calling '%s' on bad self (%s expected, got %s)"
    error(message:format(name, class, name_of(self)), 3)
  end
end

--- Argument `n` of a call that waits is left out, or a time in milliseconds; infinity is one.
function check.timeout(name, n, value)
  if value ~= nil and not KINDS.milliseconds(value) then
    raise(name, n, ("milliseconds expected, got %s"):format(name_of(value)))
  end
end

--- Argument `n` is left out, or a text.
function check.message(name, n, value)
  if value ~= nil and type(value) ~= "string" then
    raise(name, n, ("string expected, got %s"):format(name_of(value)))
  end
end

--- Argument `n` is an object of a class, and was not finalized: then its `method` would raise.
function check.alive(name, n, value, class, method)
  if not is_a(value, class) or not pcall(value[method], value) then
    raise(name, n, ("%s expected, got %s"):format(class, name_of(value)))
  end
end

--- Argument `n` is left out, or a table with no other fields than those in `kinds`, each of its
--- kind.
function check.options(name, n, options, kinds)
  if options == nil then
    return
  elseif type(options) ~= "table" then
    raise(name, n, ("table expected, got %s"):format(name_of(options)))
  end
  for key, value in pairs(options) do
    local kind = kinds[key]
    if not kind then
      raise(name, n, ("unknown option %s"):format(tostring(key)))
    elseif not is_a(value, kind) then
      raise(name, n, ("option %s: %s expected, got %s"):format(key, kind, name_of(value)))
    end
  end
end

return check
