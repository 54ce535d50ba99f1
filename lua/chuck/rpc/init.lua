--- Calls to another process, or thread, as if it were a function.
---
---     local peer = rpc.peer(assert(io.connect("127.0.0.1:7000", { decoder = rpc.framing() })))
---     print(peer:Call("add", 1, 2))           --> 3
---
--- What is written further up the road (`serve`, `connect`, `pool`, `thread`, `msgpack`, `json`) is
--- loaded when it is first used.

local callee = require("chuck.rpc.callee")
local check = require("chuck.support.check")
local config = require("chuck.rpc.config")
local context = require("chuck.rpc.context")
local errors = require("chuck.rpc.errors")
local limits = require("chuck.rpc.limits")
local peer = require("chuck.rpc.peer")
local sched = require("chuck.co.sched")
local wire = require("chuck.rpc.wire")

local rpc = {
  config = config.new,
  services = callee.services,
  caller = context.caller,
  traceparent = context.traceparent,
  set_traceparent = context.set_traceparent,
  new_traceparent = context.new_traceparent,
  errors = errors.MEANING,
  limits = limits,
  VERSION = wire.VERSION,
}

--- What a stream of packets has to offer.
local METHODS = { "ReadPacket", "TryReadPacket", "WritePacket", "Send", "Close", "Peer" }

local function is_stream(value)
  local kind = type(value)
  if kind ~= "table" and kind ~= "userdata" then
    return false
  end
  for _, name in ipairs(METHODS) do
    local fine, method = pcall(function()
      return value[name]
    end)
    if not fine or type(method) ~= "function" then
      return false
    end
  end
  return true
end

--- A peer at the end of a stream of packets. `options`: a configuration, or options for one.
function rpc.peer(stream, options)
  if not is_stream(stream) then
    error(("bad argument #1 to 'peer' (stream expected, got %s)"):format(type(stream)), 2)
  end
  if sched.engine() == false then
    error("'peer' starts tasks: call it inside of co.run", 2)
  end
  if getmetatable(options) ~= "rpc.config" then
    check.options("peer", 2, options, config.OPTIONS)
    options = config.make(options or {}, "peer", 2)
  end
  local made = peer.new(stream, options)
  return made
end

--- The decoder of a stream for peers: of a configuration, or of the default one.
function rpc.framing(options)
  if options == nil then
    return wire.framing(limits.message)
  end
  check.type("framing", 1, options, "rpc.config")
  return options.framing
end

--- What is loaded when it is first used.
local LAZY = {
  connect = function()
    return require("chuck.rpc.connect")
  end,
  json = function()
    return require("chuck.rpc.formats").json
  end,
  msgpack = function()
    return require("chuck.rpc.formats").msgpack
  end,
  on_mail = function()
    return require("chuck.rpc.mail").on_mail
  end,
  pool = function()
    return require("chuck.rpc.pool")
  end,
  serve = function()
    return require("chuck.rpc.serve")
  end,
  thread = function()
    return require("chuck.rpc.thread")
  end,
}

return setmetatable(rpc, {
  __index = function(_, name)
    local load = LAZY[name]
    if load then
      local value = load()
      rawset(rpc, name, value)
      return value
    end
  end,
})
