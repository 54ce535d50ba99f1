--- How a peer behaves, and which protocol it speaks.
---
---     local config = rpc.config({ timeout_ms = 2000, tracebacks = true })
---     local peer = rpc.peer(stream, config)
---
--- The protocol can be replaced: `encoder(data)` makes a packet of a message, `decoder(packet)` the
--- message of a packet, or nil of one that is none; between them `serializer(data)` and
--- `unserializer(text)` turn a message, which is a table, into something else.

local callee = require("chuck.rpc.callee")
local check = require("chuck.support.check")
local compat = require("chuck.support.compat")
local limits = require("chuck.rpc.limits")
local wire = require("chuck.rpc.wire")

local unpack = compat.unpack

local config = {}

--- Options and their kinds.
config.OPTIONS = {
  encoder = "function",
  decoder = "function",
  serializer = "function",
  unserializer = "function",
  framing = "decoder",
  message = "positive integer",
  calls = "positive integer",
  packets = "positive integer",
  window = "positive integer",
  timeout_ms = "milliseconds",
  heartbeat_ms = "milliseconds",
  stall_ms = "milliseconds",
  linger_ms = "milliseconds",
  tracebacks = "boolean",
  services = "table",
  on_call = "function",
  on_serve = "function",
  on_packet = "function",
  on_close = "function",
  on_error = "function",
}

local DEFAULTS = {
  "message",
  "calls",
  "packets",
  "window",
  "timeout_ms",
  "heartbeat_ms",
  "stall_ms",
  "linger_ms",
}

---@class chuck.rpc.Config
local Config = {}
Config.__index = Config
Config.__metatable = "rpc.config"

local KIND_OF, NAME_OF = {}, {}
for name, kind in pairs(wire.KIND) do
  KIND_OF[name:lower()], NAME_OF[kind] = kind, name:lower()
end

local PACKETS = { wpacket = true, rawpacket = true }

--- A message as a table: `k` its kind by name, `n` the number of values, `v` the values.
local function writer(encoder, serializer)
  local function encode(kind, ...)
    local data = { k = NAME_OF[kind], n = select("#", ...), v = { ... } }
    local packet = encoder(serializer and serializer(data) or data)
    if not PACKETS[getmetatable(packet)] then
      error(("the encoder has returned a %s, no packet"):format(type(packet)), 0)
    end
    return packet
  end
  return function(kind, ...)
    local fine, result = pcall(encode, kind, ...)
    if fine then
      return result
    end
    return nil, tostring(result)
  end
end

--- What is no message of ours is nil; what claims to be one and is broken has a kind, and no
--- number of values.
local function reader(decoder, unserializer)
  local function decode(packet)
    local data = decoder(packet)
    if data ~= nil and unserializer then
      data = unserializer(data)
    end
    return data
  end
  return function(packet)
    local fine, data = pcall(decode, packet)
    if not fine then
      return "broken"
    elseif type(data) ~= "table" or data.k == nil then
      return nil
    end
    local n, values = data.n, data.v
    local is_sound = type(n) == "number" and n >= 0 and n % 1 == 0 and n <= limits.values + 10
    if not is_sound or type(values) ~= "table" then
      return "broken"
    end
    return KIND_OF[data.k] or "broken", n, unpack(values, 1, n)
  end
end

--- What is wrong with a choice of functions, or nil.
local function trouble(options)
  if (options.encoder == nil) ~= (options.decoder == nil) then
    return "encoder and decoder belong together"
  elseif (options.serializer == nil) ~= (options.unserializer == nil) then
    return "serializer and unserializer belong together"
  elseif options.serializer and not options.encoder then
    return "a serializer needs an encoder and a decoder"
  end
end

--- A configuration of options that were checked; what is wrong with them is the fault of whoever
--- called the function that calls this, in argument `n`.
function config.make(options, method, n)
  local problem = trouble(options)
  if problem then
    error(("bad argument #%d to '%s' (%s)"):format(n, method, problem), 3)
  end
  local self = {}
  for name in pairs(config.OPTIONS) do
    self[name] = options[name]
  end
  for _, name in ipairs(DEFAULTS) do
    if self[name] == nil then
      self[name] = limits[name]
    end
  end
  if self.services and getmetatable(self.services) ~= "rpc.services" then
    self.services, problem = callee.of_table(self.services)
    if problem then
      error(("bad argument #%d to '%s' (option services: %s)"):format(n, method, problem), 3)
    end
  end
  self.write, self.read = wire.write, wire.read
  self.is_default = not options.encoder
  if not self.is_default then
    self.write = writer(options.encoder, options.serializer)
    self.read = reader(options.decoder, options.unserializer)
  end
  self.framing = self.framing or wire.framing(self.message)
  return setmetatable(self, Config)
end

--- A configuration, for any number of peers.
function config.new(options)
  check.options("config", 1, options, config.OPTIONS)
  local made = config.make(options or {}, "config", 1)
  return made
end

return config
