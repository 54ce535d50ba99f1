--- The rules of the house for Lua: who may require whom, who may resume, and no stray globals.
---
--- Each rule takes a path and the words of a file and answers with complaints, so that it can be
--- shown a file that breaks it.
local lfs = require("lfs")

--- What each layer may require, beside itself. `init` is the facade, at the top; `native` is the
--- door to the Rust core; every other name (http, redis, …) is a package of its own.
local LAYERS = {
  init = { "native", "support", "co", "io", "package" },
  native = { "support" },
  support = {},
  co = { "support" },
  io = { "support", "co", "native", "dial", "listen" },
  dial = { "native", "support" },
  listen = { "native", "support" },
  package = { "support", "co", "io", "dial", "listen", "native" },
}

--- Files that may do what their layer may not: path, then what.
local DOORS = {
  ["lua/chuck/native.lua"] = { chuck_core = true },
  ["lua/chuck/co/loop.lua"] = { native = true },
  ["lua/chuck/co/sched.lua"] = { resume = true },
  ["lua/chuck/support/compat.lua"] = { asks_which_lua = true },
  -- Libraries of others, looked for when they are asked for.
  ["lua/chuck/rpc/formats.lua"] = {
    MessagePack = true,
    cjson = true,
    cmsgpack = true,
    dkjson = true,
  },
}

--- Globals that every Lua has with one meaning.
local GLOBALS = [[
  assert collectgarbage coroutine debug error getmetatable io ipairs math next os package pairs
  pcall print rawequal rawget rawset require select setmetatable string table tonumber tostring
  type xpcall
]]

--- Globals that tell one Lua from another, for support/compat.lua.
local GLOBALS_OF_SOME = [[
  _ENV _G _VERSION bit bit32 getfenv jit load loadstring rawlen setfenv unpack utf8
]]

local KEYWORDS = [[
  and break do else elseif end false for function goto if in local nil not or repeat return self
  then true until while
]]

local function set_of(...)
  local set = {}
  for _, list in ipairs({ ... }) do
    for word in list:gmatch("%S+") do
      set[word] = true
    end
  end
  return set
end

local function skip_long(source, at)
  local equals = source:match("^%[(=*)%[", at)
  if equals then
    local _, last = source:find("]" .. equals .. "]", at, true)
    return (last or #source) + 1
  end
end

local function skip_string(source, at)
  local quote = source:sub(at, at)
  local i = at + 1
  while i <= #source and source:sub(i, i) ~= quote do
    i = i + (source:sub(i, i) == "\\" and 2 or 1)
  end
  return i + 1
end

--- The words of a program, without comments: `{ text, line, is_string }`.
local function words_of(source)
  local words, at, line = {}, 1, 1
  while at <= #source do
    local char = source:sub(at, at)
    local stop, word
    if source:match("^%-%-", at) then
      stop = skip_long(source, at + 2) or source:find("\n", at, true) or #source + 1
    elseif char == '"' or char == "'" then
      stop = skip_string(source, at)
      word = { text = source:sub(at + 1, stop - 2), is_string = true }
    elseif skip_long(source, at) then
      stop = skip_long(source, at)
      word = { text = source:sub(at, stop - 1), is_string = true }
    else
      local text = source:match("^[%a_][%w_]*", at)
        or source:match("^%d[%w.]*", at)
        or source:match("^%.%.+", at)
        or source:match("^[=~<>]=", at)
        or char
      stop = at + #text
      word = text:match("%S") and { text = text }
    end
    if word then
      word.line = line
      words[#words + 1] = word
    end
    local _, newlines = source:sub(at, stop - 1):gsub("\n", "")
    at, line = stop, line + newlines
  end
  return words
end

--- The layer of a file and, for a package, its name.
local function layer_of(path)
  local first = path:match("^lua/chuck/([^/]+)"):gsub("%.lua$", "")
  if LAYERS[first] then
    return first, first
  end
  return "package", first
end

local function layer_of_module(module)
  local first = module:match("^chuck%.([^.]+)") or "init"
  if LAYERS[first] then
    return first, first
  end
  return "package", first
end

local function may_require(path, module)
  local door = DOORS[path] or {}
  if module == "chuck_core" then
    return door.chuck_core
  elseif module ~= "chuck" and not module:match("^chuck%.") then
    return door[module] or false
  end
  local layer, name = layer_of(path)
  local wanted, wanted_name = layer_of_module(module)
  if layer == wanted and name == wanted_name then
    return true
  end
  for _, allowed in ipairs(LAYERS[layer]) do
    if allowed == wanted then
      return true
    end
  end
  return door[wanted]
end

local function complain(complaints, path, word, what)
  complaints[#complaints + 1] = ("%s:%d: %s"):format(path, word.line, what)
end

--- `require` of something above, beside, or unknown.
local function require_complaints(path, words)
  local complaints = {}
  for i, word in ipairs(words) do
    local before = words[i - 1] and words[i - 1].text
    if word.text == "require" and not word.is_string and before ~= "." then
      local argument = words[i + 1] or word
      if not argument.is_string and (argument.text == "(" or argument.text == ",") then
        argument = words[i + 2] or word
      end
      if argument.is_string then
        if not may_require(path, argument.text) then
          complain(complaints, path, word, "must not require " .. argument.text)
        end
      elseif layer_of(path) ~= "init" then
        complain(complaints, path, word, "requires a name that cannot be read here")
      end
    end
  end
  return complaints
end

--- `coroutine.resume` and `coroutine.wrap` outside the scheduler.
local function resume_complaints(path, words)
  local complaints = {}
  for i, word in ipairs(words) do
    local is_resume = word.text == "resume" or word.text == "wrap"
    if is_resume and i > 2 and words[i - 2].text == "coroutine" and words[i - 1].text == "." then
      if not (DOORS[path] or {}).resume then
        complain(complaints, path, word, "only co/sched.lua resumes a coroutine")
      end
    end
  end
  return complaints
end

local function is_name(word)
  return word and not word.is_string and word.text:match("^[%a_]") ~= nil
end

--- Names from `words[i]` on, separated by commas, are added to a set.
local function add_names(set, words, i)
  while is_name(words[i]) or (words[i] and words[i].text == ".") do
    set[words[i].text] = true
    i = i + 1
    if not (words[i] and words[i].text == ",") then
      return
    end
    i = i + 1
  end
end

--- Every name that a file declares anywhere: locals, parameters, loop variables.
local function declared_names(words)
  local names = {}
  for i, word in ipairs(words) do
    if word.is_string then
      word = { text = "" }
    end
    if word.text == "local" then
      add_names(names, words, words[i + 1].text == "function" and i + 2 or i + 1)
    elseif word.text == "for" then
      add_names(names, words, i + 1)
    elseif word.text == "function" then
      local open = i + 1
      while words[open].text ~= "(" do
        open = open + 1
      end
      add_names(names, words, open + 1)
    end
  end
  return names
end

--- Names that are neither declared in the file nor a global that every Lua has: typing errors and
--- stray globals alike. Fields (`a.name`, `a:name`, `{ name = … }`) are not looked at.
local function global_complaints(path, words)
  local known = set_of(KEYWORDS, GLOBALS)
  if (DOORS[path] or {}).asks_which_lua then
    known = set_of(KEYWORDS, GLOBALS, GLOBALS_OF_SOME)
  end
  local declared = declared_names(words)
  local complaints = {}
  for i, word in ipairs(words) do
    local before = words[i - 1] and words[i - 1].text or ""
    local after = words[i + 1] and words[i + 1].text or ""
    local is_field = before == "." or before == ":"
    local is_key = after == "=" and (before == "{" or before == "," or before == ";")
    if is_name(word) and not (is_field or is_key or known[word.text] or declared[word.text]) then
      complain(complaints, path, word, "unknown name " .. word.text)
    end
  end
  return complaints
end

local function lua_files(folder, found)
  for name in lfs.dir(folder) do
    local path = folder .. "/" .. name
    if lfs.attributes(path, "mode") == "directory" and name:sub(1, 1) ~= "." then
      lua_files(path, found)
    elseif name:match("%.lua$") then
      found[#found + 1] = path
    end
  end
  table.sort(found)
  return found
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local source = file:read("*a")
  file:close()
  return source
end

--- What a rule has to say about every file of chuck.
local function complaints_of(rule)
  local complaints = {}
  for _, path in ipairs(lua_files("lua/chuck", {})) do
    for _, complaint in ipairs(rule(path, words_of(read(path)))) do
      complaints[#complaints + 1] = complaint
    end
  end
  return complaints
end

local function about(rule, path, source)
  return rule(path, words_of(source))
end

describe("the layers of lua/chuck", function()
  it("require only what lies below them", function()
    assert.are.same({}, complaints_of(require_complaints))
  end)

  it("are told apart", function()
    local support, stream = "lua/chuck/support/a.lua", "lua/chuck/io/stream.lua"
    local channel, http = "lua/chuck/co/channel.lua", "lua/chuck/http/a.lua"
    local at_two = function(path, module)
      return { ("%s:2: must not require %s"):format(path, module) }
    end
    local two = function(path, module)
      local source = '-- require "chuck.co"\nlocal a = require("' .. module .. '")'
      return about(require_complaints, path, source)
    end
    assert.are.same(at_two(support, "chuck.native"), two(support, "chuck.native"))
    assert.are.same(at_two(stream, "chuck.http"), two(stream, "chuck.http"))
    assert.are.same(at_two(stream, "chuck_core"), two(stream, "chuck_core"))
    assert.are.same(at_two(http, "chuck.redis"), two(http, "chuck.redis"))
    assert.are.same(at_two(http, "chuck"), two(http, "chuck"))
    assert.are.same(at_two(channel, "chuck.native"), two(channel, "chuck.native"))
    assert.are.same({}, two("lua/chuck/co/loop.lua", "chuck.native"))
    assert.are.same({}, two(http, "chuck.http.parser"))
    assert.are.same({}, two(http, "chuck.io.stream"))
    local native = 'pcall(require, "chuck_core")'
    assert.are.same({}, about(require_complaints, "lua/chuck/native.lua", native))
    assert.are.equal(1, #about(require_complaints, stream, "require(name)"))
  end)

  it("leave resuming to the scheduler", function()
    assert.are.same({}, complaints_of(resume_complaints))
    local source = "coroutine.resume(a) coroutine.yield()"
    assert.are.equal(1, #about(resume_complaints, "lua/chuck/io/stream.lua", source))
    assert.are.same({}, about(resume_complaints, "lua/chuck/co/sched.lua", source))
  end)
end)

describe("the files of lua/chuck", function()
  it("name nothing that they did not declare", function()
    assert.are.same({}, complaints_of(global_complaints))
  end)

  it("would be caught with a stray global or a typing error", function()
    local path = "lua/chuck/io/stream.lua"
    local names = function(source)
      return table.concat(about(global_complaints, path, source), " ")
    end
    assert.matches("stream.lua:2: unknown name count", names("local a = 1\ncount = a"))
    assert.matches("unknown name run", names("function run() end"))
    assert.matches("unknown name prnt", names("local function f(x) return prnt(x) end"))
    assert.matches("unknown name jit", names("if jit then return end"))
    local fine = "local t = { a = 1, b = 'c', [d] = 2 } for d, e in pairs(t) do t.f:g(d, e) end"
    assert.are.equal("", names(fine .. " local function h(...) return self, ... end -- z = 1"))
    local compat = "lua/chuck/support/compat.lua"
    assert.are.same({}, about(global_complaints, compat, "return jit, unpack"))
  end)

  it("are loaded without leaving a global behind", function()
    local before = {}
    for name in pairs(_G) do
      before[name] = true
    end
    require("chuck")
    local left = {}
    for name in pairs(_G) do
      if not before[name] then
        left[#left + 1] = name
      end
    end
    assert.are.same({}, left)
  end)
end)
