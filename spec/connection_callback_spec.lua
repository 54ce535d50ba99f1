--- What callbacks of a connection may do: raise, close, stop, collect, move, post.
local chuck = require("chuck")
local net = require("spec.helper.net")

local decoder = chuck.decoder

--- What may be done inside any callback, to any connection.
local ACTIONS = {
  ["sends"] = function(conn)
    conn:Send(net.raw("more"))
  end,
  ["closes"] = function(conn)
    conn:Close()
  end,
  ["closes with a delay"] = function(conn)
    conn:Close(10)
  end,
  ["closes twice"] = function(conn)
    conn:Close()
    conn:Close()
  end,
  ["stops the engine"] = function(_, world)
    world.engine:Stop()
  end,
  ["collects garbage"] = function()
    collectgarbage()
    collectgarbage()
  end,
  ["removes the connection from its engine"] = function(conn)
    conn:RemoveEngine()
  end,
  ["removes the connection and adds it again"] = function(conn, world)
    conn:RemoveEngine()
    conn:Add2Engine(world.engine, net.ignore)
  end,
  ["posts"] = function(_, world)
    world.engine:Post(function()
      world.engine:Post(net.ignore)
    end)
  end,
  ["closes what the other side holds"] = function(_, _, other)
    other:Close()
  end,
  ["pauses, resumes and shuts down"] = function(conn)
    conn:PauseRead()
    conn:ResumeRead()
    conn:ShutdownWrite()
  end,
  ["sets timeouts and marks"] = function(conn)
    conn:SetRecvTimeout(1)
    conn:SetSendTimeout(1)
    conn:SetHighWater(1, net.ignore)
    conn:SetRecvTimeout(0)
    conn:SetSendTimeout(0)
  end,
  ["raises"] = function()
    error("raised on purpose")
  end,
}

--- Ways to have one callback of `conn` called: each gets the callback to install.
local OCCASIONS = {
  ["on a packet"] = function(world, conn, other, callback)
    conn:Add2Engine(world.engine, callback)
    other:Send(net.raw("x"))
  end,
  ["at the peer's end"] = function(world, conn, other, callback)
    conn:Add2Engine(world.engine, callback)
    other:ShutdownWrite()
  end,
  ["on a receive timeout"] = function(world, conn, _, callback)
    conn:SetRecvTimeout(1)
    conn:Add2Engine(world.engine, callback)
  end,
  ["on_send_finish"] = function(world, conn, _, callback)
    conn:Add2Engine(world.engine, net.ignore)
    conn:Send(net.raw("x"), callback)
  end,
  ["on_drain"] = function(world, conn, _, callback)
    conn:Add2Engine(world.engine, net.ignore)
    conn:SetHighWater(1, callback)
    conn:Send(net.raw("x"))
  end,
}

local function names_of(map)
  local names = {}
  for name in pairs(map) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

describe("a callback of a connection", function()
  local world

  before_each(function()
    world = net.open()
    world.keeps_errors = true
  end)

  after_each(function()
    world:close()
  end)

  --- A second pair on the same engine still echoes.
  local function assert_alive()
    local client, server = world:pair()
    local seen = net.recorder()
    client:Add2Engine(world.engine, seen.on_packet)
    server:Add2Engine(world.engine, net.echo)
    client:Send(net.raw("alive"))
    world:wait("an echo", function()
      return seen.size == 5
    end)
  end

  for _, occasion in ipairs(names_of(OCCASIONS)) do
    for _, action in ipairs(names_of(ACTIONS)) do
      it(occasion .. " that " .. action .. " harms nobody else", function()
        local other, conn = world:pair()
        local called = 0
        other:Add2Engine(world.engine, net.ignore)
        OCCASIONS[occasion](world, conn, other, function(given)
          called = called + 1
          if called == 1 then
            ACTIONS[action](given, world, other)
          end
        end)
        world:wait("the callback", function()
          return called > 0
        end)
        assert_alive()
        assert.are.equal(action == "raises" and 1 or 0, #world:take_errors())
      end)
    end
  end

  it("that raises leaves the connection open, and the next packet arrives", function()
    local client, server = world:pair(decoder.connection.rpacket(100))
    local calls = 0
    server:Add2Engine(world.engine, function()
      calls = calls + 1
      error("raised on purpose")
    end)
    client:Add2Engine(world.engine, net.ignore)
    for _ = 1, 3 do
      client:Send(net.frame("x"))
    end
    world:wait("three packets", function()
      return calls == 3
    end)
    assert.are.equal(3, #world:take_errors())
    assert.are.equal(0, server:Send(net.frame("y")))
  end)

  it("D39: may raise a string, a table, nil, false or an object; the handler gets it", function()
    local client, server = world:pair()
    local thrown = { "text", { code = 7 }, false, world.engine, 42 }
    local at = 0
    server:Add2Engine(world.engine, function()
      at = at + 1
      error(thrown[at], 0)
    end)
    client:Add2Engine(world.engine, net.ignore)
    for i = 1, #thrown do
      client:Send(net.raw("x"))
      world:wait("error " .. i, function()
        return at == i
      end)
    end
    local errors = world:take_errors()
    for i, value in ipairs(thrown) do
      assert.is_true(rawequal(value, errors[i].err))
    end
  end)

  it("D39: may raise nil, and the loop goes on", function()
    local client, server = world:pair()
    local calls = 0
    server:Add2Engine(world.engine, function()
      calls = calls + 1
      error(nil)
    end)
    client:Add2Engine(world.engine, net.ignore)
    client:Send(net.raw("x"))
    world:wait("the error", function()
      return #world.errors == 1
    end)
    client:Send(net.raw("x"))
    world:wait("the second error", function()
      return #world.errors == 2
    end)
    world:take_errors()
    assert.are.equal(2, calls)
  end)

  it("D39: may raise a text of a megabyte, and all of it arrives", function()
    local client, server = world:pair()
    local text = net.pattern(1000000)
    server:Add2Engine(world.engine, function()
      error(text, 0)
    end)
    client:Add2Engine(world.engine, net.ignore)
    client:Send(net.raw("x"))
    world:wait("the error", function()
      return #world.errors == 1
    end)
    net.assert_same_bytes(text, world:take_errors()[1].err)
  end)

  it("that stops the engine loses nothing: the next Run goes on", function()
    local client, server = world:pair(decoder.connection.rpacket(100))
    local order = {}
    server:Add2Engine(world.engine, function(_, got)
      order[#order + 1] = got:ReadU8()
      world.engine:Stop()
    end)
    client:Add2Engine(world.engine, net.ignore)
    for i = 1, 20 do
      local frame = chuck.packet.wpacket()
      frame:WriteU8(i)
      client:Send(frame)
    end
    world:wait("twenty packets", function()
      return #order == 20
    end)
    for i = 1, 20 do
      assert.are.equal(i, order[i])
    end
  end)

  it("that closes the engine ends Run with the rest told 155", function()
    local client, server = world:pair()
    local codes = {}
    server:Add2Engine(world.engine, function(_, got, code)
      if got then
        world.engine:Close()
      else
        codes[#codes + 1] = code
      end
    end)
    client:Add2Engine(world.engine, function(_, _, code)
      codes[#codes + 1] = code
    end)
    client:Send(net.raw("x"))
    world.engine:Run(net.DEADLINE)
    assert.are.same({ chuck.error.EENGCLOSE, chuck.error.EENGCLOSE }, codes)
    assert.are.equal(-chuck.error.EENGCLOSE, world.engine:Run(0))
  end)

  it("may run for a connection that another callback of the same pass has closed", function()
    local pairs_of, calls = {}, 0
    for i = 1, 10 do
      local client, server = world:pair()
      pairs_of[i] = { client, server }
      client:Add2Engine(world.engine, net.ignore)
      server:Add2Engine(world.engine, function()
        calls = calls + 1
        for _, two in ipairs(pairs_of) do
          two[2]:Close()
        end
      end)
    end
    for _, two in ipairs(pairs_of) do
      two[1]:Send(net.raw("x"))
    end
    world:wait("a packet", function()
      return calls > 0
    end)
    world:run(10)
    assert.are.equal(1, calls)
  end)

  it("runs where Run was called, though it was registered inside a coroutine", function()
    local client, server = world:pair()
    local inside
    client:Add2Engine(world.engine, net.ignore)
    local thread = coroutine.create(function()
      server:Add2Engine(world.engine, function()
        inside = { coroutine.running() }
      end)
    end)
    assert(coroutine.resume(thread))
    client:Send(net.raw("x"))
    world:wait("the packet", function()
      return inside
    end)
    assert.are.equal(coroutine.running(), inside[1])
  end)

  it("leaves nothing of a thousand connections that its closure holds", function()
    local weak = setmetatable({}, { __mode = "k" })
    for _ = 1, 20 do
      for _ = 1, 50 do
        local fd, accepted = world:fd_pair()
        local conn = chuck.connection(accepted, 64)
        weak[conn] = true
        conn:Add2Engine(world.engine, function(_, got)
          if not got then
            conn:Close()
          end
        end)
        chuck.socket_helper.close(fd)
      end
      world:wait("no connection", function()
        return world.engine:Stats().open == 0
      end)
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(weak))
  end)
end)
