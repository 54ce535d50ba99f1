--- Where a server is and how to speak to it: a table, or `redis://user:password@host:port/db`.

local address = require("chuck.support.address")
local check = require("chuck.support.check")
local limits = require("chuck.redis.limits")
local native = require("chuck.native")
local outcome = require("chuck.redis.outcome")

local options = {}

local PORT = 6379
local PORT_MAX = 65535

--- What clients understand, and of which kind it is.
options.KINDS = {
  uri = "string",
  host = "string",
  port = "positive integer",
  path = "string",
  address = "string",
  username = "string",
  password = "string",
  db = "count",
  client_name = "string",
  protocol = "positive integer",
  tls = "boolean",
  timeout_ms = "milliseconds",
  connect_ms = "milliseconds",
  heartbeat_ms = "milliseconds",
  backoff_ms = "milliseconds",
  backoff_max_ms = "milliseconds",
  queue = "count",
  send_limit = "positive integer",
  in_flight = "string",
  retries = "count",
  message = "positive integer",
  depth = "positive integer",
  elements = "positive integer",
  slow_ms = "milliseconds",
  on_slow = "function",
  on_connect = "function",
  on_disconnect = "function",
  arguments = "function",
  replies = "function",
  blocking = "positive integer",
  subscriptions = "positive integer",
  cache = "table",
}

--- Of a URI's query, what is a number.
local NUMBERS =
  { timeout_ms = true, connect_ms = true, heartbeat_ms = true, protocol = true, db = true }
local TEXTS = { client_name = true }

local function decode(text)
  return (
    text:gsub("%%(%x%x)", function(digits)
      return string.char(tonumber(digits, 16))
    end)
  )
end

local function read_user(found, user)
  local name, password = user:match("^([^:]*):(.*)$")
  if not name then
    -- Redis had passwords before it had users: a lone word is a user, as the scheme has it.
    name = user
  end
  found.username = name ~= "" and decode(name) or nil
  -- `:@` is what is left of a password that nobody has set.
  found.password = password and user ~= ":" and decode(password) or nil
end

local function read_query(found, query)
  for pair in query:gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=(.*)$")
    name, value = name or pair, value and decode(value)
    if NUMBERS[name] and value then
      value = tonumber(value)
    elseif not TEXTS[name] then
      value = nil
    end
    if value == nil then
      return nil, ("option %s of the URI is not understood"):format(name)
    end
    found[name] = value
  end
  return found
end

--- Reads what stands behind the scheme into `found`: that; or `nil, message`.
local function read_rest(found, scheme, rest)
  local query
  rest, query = rest:match("^([^?#]*)%??([^#]*)")
  if scheme == "unix" or scheme == "redis+unix" then
    local user, path = rest:match("^(.*)@(/.*)$")
    if user then
      read_user(found, user)
    end
    found.path = decode(path or rest)
  elseif scheme == "redis" or scheme == "rediss" then
    local place, db = rest:match("^([^/]*)/?(.*)$")
    local user, server = place:match("^(.*)@([^@]*)$")
    if user then
      read_user(found, user)
    end
    server = server or place
    found.host, found.port = address.split(server)
    if not found.host then
      found.host = server:match("^%[(.*)%]$") or (not server:find("[%[%]:]") and server) or nil
      if not found.host then
        return nil, "no host and port in " .. server
      end
    end
    if found.host == "" then
      found.host = nil
    end
    if db ~= "" then
      found.db = tonumber(db:match("^%d+$"))
      if not found.db then
        return nil, "the database is a number, got " .. db
      end
    end
    found.tls = scheme == "rediss" or nil
  else
    return nil, ("a URI of redis, rediss or unix expected, got %s"):format(scheme)
  end
  return read_query(found, query)
end

--- What a URI says: a table; or `nil, message`, which has nothing of a password.
function options.parse(uri)
  local scheme, rest = uri:match("^([%w+.-]+)://(.*)$")
  if not scheme then
    local got = uri:find("@", 1, true) and "something else" or uri
    return nil, "a URI such as redis://127.0.0.1:6379 expected, got " .. got
  end
  local found, why
  if not rest:find("#.*@") then
    found, why = read_rest({}, scheme:lower(), rest)
  end
  if not found and rest:find("[/?#].*@") then
    return nil, "no host in the URI: in a password, / is %2F, ? is %3F, # is %23 and @ is %40"
  end
  return found, why
end

--- Where to connect to.
local function place_of(given)
  if given.path then
    return given.path:find("^unix:") and given.path or "unix:" .. given.path
  elseif given.address then
    return given.address
  end
  local host = given.host or "127.0.0.1"
  return address.join(host:match("^%[(.*)%]$") or host, given.port or PORT)
end

--- What is wrong with the place; nil when nothing is.
local function trouble_of_place(made)
  local where = made.address
  if made.path == "" then
    return "option path: the path of a Unix socket expected, got nothing"
  elseif where and not address.is_unix(where) and not address.split(where) then
    return ('option address: "host:port" or "unix:/path" expected, got "%s"'):format(where)
  elseif made.host == "" then
    return "option host: a name or an address expected, got nothing"
  elseif made.port and made.port > PORT_MAX then
    return ("option port: 1 to %d expected, got %d"):format(PORT_MAX, made.port)
  end
end

local CACHE = { entries = "positive integer", bytes = "positive integer" }

local IN_FLIGHT = { fail = true, retry = true }

--- What is wrong with options that are each of their kind; nil when nothing is.
local function trouble(made)
  if made.protocol and made.protocol ~= 2 and made.protocol ~= 3 then
    return "option protocol: 2 or 3 expected, got " .. tostring(made.protocol)
  elseif not IN_FLIGHT[made.in_flight] then
    return ('option in_flight: "fail" or "retry" expected, got "%s"'):format(made.in_flight)
  elseif made.tls then
    return "TLS is not there yet: no rediss:// and no option tls"
  elseif made.username and not made.password then
    return "option username: a password belongs to it"
  end
  return trouble_of_place(made)
end

--- Raises, at the line that has called into these files, for options of the wrong kind.
function options.check(name, n, given, kinds)
  local fine, problem = pcall(check.options, name, n, given, kinds)
  if not fine then
    outcome.blame((tostring(problem):gsub("^.-:%d+: ", "")))
  end
end

--- Options of every client with its defaults; raises for an argument of `name`.
--- @param more table? kinds of options that only `name` has
--- @param n integer? which argument they are, the first unless said otherwise
function options.make(name, given, more, n)
  n = n or 1
  if type(given) == "string" then
    given = { uri = given }
  elseif given ~= nil and type(given) ~= "table" then
    outcome.raise(name, n, "URI or table expected, got " .. outcome.kind_of(given))
  end
  local kinds = more and setmetatable(more, { __index = options.KINDS }) or options.KINDS
  options.check(name, n, given, kinds)
  options.check(name, n, given and given.cache, CACHE)
  local made = { in_flight = "fail" }
  for key, value in pairs(limits) do
    made[key] = value
  end
  local uri = given and given.uri
  if uri then
    local parts, why = options.parse(uri)
    if not parts then
      outcome.raise(name, n, why)
    end
    options.check(name, n, parts, kinds)
    for key, value in pairs(parts) do
      made[key] = value
    end
  end
  for key, value in pairs(given or {}) do
    made[key] = value
  end
  local wrong = trouble(made)
  if wrong then
    outcome.raise(name, n, wrong)
  end
  made.place = place_of(made)
  local fine, decoder = pcall(native.decoder.connection.redis, {
    message = made.message,
    depth = made.depth,
    elements = made.elements,
  })
  if not fine then
    outcome.raise(name, n, "option " .. tostring(decoder):gsub("^.-%((.*)%)$", "%1"))
  end
  made.decoder = decoder
  return made
end

return options
