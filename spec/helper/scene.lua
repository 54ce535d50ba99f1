--- Every kind of callback that an engine calls, each arranged so that it comes once, soon.
---
---     for _, scene in ipairs(scenes) do
---       scene.arrange(engine, function() engine:Close() end)
---
--- Whoever arranges a scene closes the engine; nothing else stays open.
local chuck = require("chuck")

local check = require("spec.helper.check")

local helper = chuck.socket_helper

--- Two connections that talk to each other; what the far one is told goes to `on_far`.
local function talk(engine, on_far)
  local near, far = check.pair()
  near, far = chuck.connection(near, 4096), chuck.connection(far, 4096)
  near:Add2Engine(engine, function() end)
  far:Add2Engine(engine, on_far)
  return near, far
end

local function raw(text)
  return chuck.packet.rawpacket(text)
end

--- Calls only the first time, so that an engine's end is not taken for the scene.
local function once(callback)
  local called = false
  return function()
    if not called then
      called = true
      callback()
    end
  end
end

local scenes = {}

local function scene(name, arrange)
  scenes[#scenes + 1] = {
    name = name,
    arrange = function(engine, callback)
      return arrange(engine, once(callback))
    end,
  }
end

scene("a timer", function(engine, callback)
  chuck.RegTimer(engine, 1, callback)
end)

scene("a posted function", function(engine, callback)
  engine:Post(callback)
end)

scene("an acceptor's callback", function(engine, callback)
  local listener, port = check.listener()
  local client = check.socket()
  chuck.acceptor(listener):Add2Engine(engine, function(fd)
    helper.close(fd)
    callback()
  end)
  helper.connect(client, "127.0.0.1", port)
  helper.close(client)
end)

scene("a connector's callback", function(engine, callback)
  local listener, port = check.listener()
  local client = check.socket()
  helper.noblock(client, 1)
  helper.connect(client, "127.0.0.1", port)
  chuck.connector(client, 1000):Add2Engine(engine, function(fd)
    helper.close(fd)
    helper.close(listener)
    callback()
  end)
end)

scene("a query's callback", function(engine, callback)
  chuck.resolver.resolve(engine, "127.0.0.1", callback)
end)

scene("a listener's callback", function(engine, callback)
  local listener = assert(chuck.listen(engine, "127.0.0.1:0", function(conn)
    conn:Close()
    callback()
  end))
  local client = check.socket()
  helper.connect(client, "127.0.0.1", tonumber(listener:GetSockAddr():match("%d+$")))
  helper.close(client)
end)

scene("a dial's callback", function(engine, callback)
  local listener, port = check.listener()
  chuck.dial(engine, "127.0.0.1:" .. port, 1000, function(conn)
    helper.close(listener)
    if conn then
      conn:Close()
    end
    callback()
  end)
end)

scene("a packet's callback", function(engine, callback)
  talk(engine, callback):Send(raw("hello"))
end)

scene("the callback of a stream's end", function(engine, callback)
  talk(engine, callback):Close()
end)

scene("the callback of a receive timeout", function(engine, callback)
  local _, far = talk(engine, callback)
  far:SetRecvTimeout(1)
end)

scene("the callback of a finished send", function(engine, callback)
  talk(engine, function() end):Send(raw("hello"), callback)
end)

scene("the callback of a drained queue", function(engine, callback)
  local near, far = check.pair()
  near, far = chuck.connection(near, 4096), chuck.connection(far, 65536)
  near:SetHighWater(1000, callback)
  near:Send(raw(("x"):rep(2000)))
  near:Add2Engine(engine, function() end)
  far:Add2Engine(engine, function() end)
end)

scene("a signal's callback", function(engine, callback)
  local signaler = assert(chuck.signal.signaler(chuck.signal.SIGURG))
  signaler:Register(engine, callback)
  os.execute("kill -URG " .. check.pid())
end)

return scenes
