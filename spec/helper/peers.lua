--- Two peers over loopback, and a far side that speaks the wire by hand.
---
---     local near, far = peers.pair({ far = { services = rpc.services({ add = add }) } })
---     local near, hand = peers.by_hand()
---     hand.say("RESULT", 1, "answer")
local chuck = require("chuck")
local tasks = require("spec.helper.tasks")
local wire = require("chuck.rpc.wire")

local packet, rpc = chuck.packet, chuck.rpc

local peers = {}

--- Errors of services are expected here, and not logged.
local function quiet(options)
  if getmetatable(options) == "rpc.config" then
    return options
  end
  local all = { on_error = function() end, linger_ms = 0 }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return rpc.config(all)
end

--- Two peers; `options.near` and `options.far` are options of each, `options.both` of both.
function peers.pair(options)
  options = options or {}
  local near_config = quiet(options.near or options.both)
  local far_config = quiet(options.far or options.both)
  local near, far = tasks.pair(nil, near_config.framing)
  return tasks.own(rpc.peer(near, near_config)), tasks.own(rpc.peer(far, far_config))
end

--- A peer, and the other end of its connection: `hand.say(kind, ...)` writes a message,
--- `hand.send(bytes)` a packet of any bytes, `hand.take()` waits for the next message and returns
--- its kind by name and its values. With `false` as second argument no hello is said.
function peers.by_hand(options, says_hello)
  local config = quiet(options)
  local near, far = tasks.pair(nil, config.framing)
  local hand = { stream = far }
  local name_of = {}
  for name, kind in pairs(wire.KIND) do
    name_of[kind] = name
  end
  function hand.say(kind, ...)
    assert(far:Send(assert(wire.write(wire.KIND[kind], ...))))
  end
  function hand.send(bytes)
    local made = packet.wpacket(#bytes, 32)
    for byte in bytes:gmatch(".") do
      made:WriteU8(byte:byte())
    end
    return far:Send(made)
  end
  local function named(kind, _, ...)
    return name_of[kind], ...
  end
  function hand.take(timeout_ms)
    local received, message, code = far:ReadPacket(timeout_ms or 5000)
    if not received then
      return nil, message, code
    end
    return named(wire.read(received))
  end
  --- The next message of a kind; others are passed over.
  function hand.take_only(kind)
    while true do
      local result = { hand.take() }
      if not result[1] or result[1] == kind then
        return (table.unpack or rawget(_G, "unpack"))(result, 1, 10)
      end
    end
  end
  local peer = tasks.own(rpc.peer(near, config))
  if says_hello ~= false then
    hand.say("HELLO", wire.NAME, wire.VERSION, config.message, config.calls)
  end
  return peer, hand
end

return peers
