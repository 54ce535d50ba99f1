--- What requests and clients can be told, and what is wrong with it.

local limits = require("chuck.http.client.limits")
local native = require("chuck.native")
local words = require("chuck.http.client.words")

local options = {}

local function is_time(value)
  return type(value) == "number" and value >= 0
end

local function is_count(value, least)
  return type(value) == "number" and value >= least and value % 1 == 0 and value <= 2 ^ 53
end

--- Classes whose objects can be sent on.
local BODIES = { stream = true, ["http.reply"] = true, ["http.request"] = true }

--- Kinds by name: what says whether a value is of it.
local KINDS = {
  milliseconds = is_time,
  count = function(value)
    return is_count(value, 0)
  end,
  ["positive integer"] = function(value)
    return is_count(value, 1)
  end,
  text = function(value)
    return type(value) == "string"
  end,
  ["string without control characters"] = function(value)
    return type(value) == "string" and not value:find("%c")
  end,
  anything = function()
    return true
  end,
  ["string, function, stream or message"] = function(value)
    local kind = debug.getmetatable(value) and getmetatable(value)
    return type(value) == "string" or type(value) == "function" or BODIES[kind] or false
  end,
  ["count, false or function"] = function(value)
    return value == false or type(value) == "function" or is_count(value, 0)
  end,
  ["jar or boolean"] = function(value)
    return type(value) == "boolean" or type(value) == "table" and getmetatable(value) == "http.jar"
  end,
  ["URL, table with url, or false"] = function(value)
    return value == false
      or type(value) == "string"
      or type(value) == "table" and type(value.url) == "string"
  end,
  ["user and password"] = function(value)
    return type(value) == "table"
      and type(value[1]) == "string"
      and type(value[2]) == "string"
      and not value[1]:find("[:%c]")
      and not value[2]:find("%c")
  end,
  ['"inet" or "inet6"'] = function(value)
    return value == "inet" or value == "inet6"
  end,
}

for _, name in ipairs({ "boolean", "function", "table" }) do
  KINDS[name] = function(value)
    return type(value) == name
  end
end

--- What requests have, and clients for all of theirs.
local COMMON = {
  headers = "table",
  timeout_ms = "milliseconds",
  first_byte_ms = "milliseconds",
  read_ms = "milliseconds",
  write_ms = "milliseconds",
  expect_ms = "milliseconds",
  redirects = "count, false or function",
  jar = "jar or boolean",
  proxy = "URL, table with url, or false",
  decode = "boolean",
  max_body = "positive integer",
  expect = "boolean",
  retry = "boolean",
  basic = "user and password",
  bearer = "string without control characters",
  address = "text",
  on_request = "function",
  on_response = "function",
}

local OF_REQUEST = {
  method = "text",
  url = "text",
  query = "table",
  body = "string, function, stream or message",
  length = "count",
  json = "anything",
  form = "table",
  multipart = "table",
  trailers = "table",
  stream = "boolean",
  idempotent = "boolean",
}

local OF_CLIENT = {
  base_url = "text",
  connect_ms = "milliseconds",
  idle_ms = "milliseconds",
  max_connections = "positive integer",
  max_total = "positive integer",
  max_queue = "count",
  max_head = "positive integer",
  max_fields = "positive integer",
  family = '"inet" or "inet6"',
}

for name, kind in pairs(COMMON) do
  OF_REQUEST[name], OF_CLIENT[name] = kind, kind
end

--- Raises for argument `n` of `name` when it has what `kinds` does not know.
local function check(given, kinds, name, n)
  if type(given) ~= "table" then
    words.raise(name, n, "table expected, got " .. words.kind_of(given))
  end
  for key, value in pairs(given) do
    local kind = kinds[key]
    if not kind then
      words.raise(name, n, "unknown option " .. tostring(key))
    elseif not KINDS[kind](value) then
      local text = "option %s: %s expected, got %s"
      words.raise(name, n, text:format(key, kind, words.kind_of(value)))
    end
  end
end

--- Letters that a name of a field, and a method, are made of (RFC 9110, section 5.6.2).
local TOKEN = "^[%w!#$%%&'*+%-.^_`|~]+$"

--- Adds a field to a flat list, or raises.
local function add_field(list, field, value, name, n)
  if type(value) == "number" then
    value = tostring(value)
  end
  if type(field) ~= "string" or not field:find(TOKEN) then
    words.raise(name, n, "option headers: name of a field expected, got " .. words.kind_of(field))
  elseif type(value) ~= "string" then
    local text = "option headers: %s: string expected, got %s"
    words.raise(name, n, text:format(field, words.kind_of(value)))
  elseif value:gsub("\t", ""):find("%c") then
    local text = "option headers: %s: control characters in the value"
    words.raise(name, n, text:format(field))
  end
  list[#list + 1] = field
  list[#list + 1] = value:match("^[ \t]*(.-)[ \t]*$")
end

--- Fields as a flat list, from names with values or lists of values, or from a list of pairs.
function options.fields(given, name, n)
  local list = {}
  if given[1] ~= nil then
    for i, pair in ipairs(given) do
      if type(pair) ~= "table" then
        words.raise(name, n, ("option headers: pair expected in place %d"):format(i))
      end
      add_field(list, pair[1], pair[2], name, n)
    end
    return list
  end
  local names = {}
  for field in pairs(given) do
    names[#names + 1] = field
  end
  table.sort(names, function(a, b)
    return tostring(a) < tostring(b)
  end)
  for _, field in ipairs(names) do
    local values = given[field]
    for _, value in ipairs(type(values) == "table" and values or { values }) do
      add_field(list, field, value, name, n)
    end
  end
  return list
end

--- One field that is added later; false and why when it cannot be.
function options.field_trouble(field, value)
  if type(field) ~= "string" or not field:find(TOKEN) then
    return "name of a field expected, got " .. words.kind_of(field)
  elseif type(value) ~= "string" or value:gsub("\t", ""):find("%c") then
    return "string without control characters expected, got " .. words.kind_of(value)
  end
end

--- Raises for bodies that exclude each other.
local function check_bodies(given, name, n)
  local found
  for _, key in ipairs({ "body", "json", "form", "multipart" }) do
    if given[key] ~= nil then
      if found then
        words.raise(name, n, ("options %s and %s exclude each other"):format(found, key))
      end
      found = key
    end
  end
end

local function is_text(value)
  local kind = type(value)
  return kind == "string" or kind == "number" or kind == "boolean"
end

--- Raises for a query or a form that is neither a list of pairs nor names with values.
local function check_pairs(given, key, name, n)
  for field, value in pairs(given) do
    local fine
    if #given > 0 then
      fine = type(field) == "number"
        and type(value) == "table"
        and is_text(value[1])
        and is_text(value[2])
    elseif type(value) == "table" then
      fine = type(field) == "string"
      for _, item in ipairs(value) do
        fine = fine and is_text(item)
      end
    else
      fine = type(field) == "string" and is_text(value)
    end
    if not fine then
      local text = "option %s: names with strings, numbers, booleans or lists of them, or a list of"
        .. " pairs expected, at %s"
      words.raise(name, n, text:format(key, tostring(field)))
    end
  end
end

--- The text of a value as JSON; raises for what has none.
local function json_of(value, name, n)
  local fine, text = pcall(native.json.encode, value)
  if not fine then
    words.raise(name, n, "option json: " .. (tostring(text):match("%((.*)%)") or tostring(text)))
  end
  return text
end

local function copy(given)
  local made = {}
  for key, value in pairs(given) do
    made[key] = value
  end
  return made
end

--- Options of a request, checked; a table that is ours, with `json` as text.
function options.of_request(given, name, n)
  if given == nil then
    return {}
  end
  check(given, OF_REQUEST, name, n)
  check_bodies(given, name, n)
  check_pairs(given.query or {}, "query", name, n)
  check_pairs(given.form or {}, "form", name, n)
  local made = copy(given)
  if given.method and (not given.method:find(TOKEN) or given.method == "CONNECT") then
    words.raise(name, n, "option method: a method such as GET expected, got " .. given.method)
  end
  made.headers = given.headers and options.fields(given.headers, name, n)
  made.trailers = given.trailers and options.fields(given.trailers, name, n)
  made.json = given.json ~= nil and json_of(given.json, name, n) or nil
  return made
end

--- Options of a client, checked, with every default.
function options.of_client(given, name, n)
  local made = {}
  if given ~= nil then
    check(given, OF_CLIENT, name, n)
    made = copy(given)
    made.headers = given.headers and options.fields(given.headers, name, n)
  end
  return setmetatable(made, { __index = limits })
end

return options
