--- Timeouts of connections, and the clock of the loop that tells them.
local chuck = require("chuck")
local net = require("spec.helper.net")

local errno = chuck.error

describe("a timeout", function()
  local world

  before_each(function()
    world = net.open()
  end)

  after_each(function()
    world:close()
  end)

  local function watched()
    local client, server = world:pair()
    local seen = net.recorder()
    server:Add2Engine(world.engine, seen.on_packet)
    client:Add2Engine(world.engine, net.ignore)
    return client, server, seen
  end

  local function wait_for_codes(seen, count)
    world:wait(count .. " timeouts", function()
      return #seen.codes >= count
    end)
  end

  describe("of receiving", function()
    it("is told as 153, not before its time", function()
      local _, server, seen = watched()
      local began = chuck.systick()
      server:SetRecvTimeout(30)
      wait_for_codes(seen, 1)
      assert.is_true(chuck.systick() - began >= 30)
      assert.are.same({ errno.ERVTIMEOUT }, seen.codes)
    end)

    it("D28: is told once for each silence", function()
      local _, server, seen = watched()
      server:SetRecvTimeout(5)
      world:run(60)
      assert.are.same({ errno.ERVTIMEOUT }, seen.codes)
    end)

    it("D28: starts again with the next byte", function()
      local client, server, seen = watched()
      server:SetRecvTimeout(10)
      for episode = 1, 3 do
        wait_for_codes(seen, episode)
        client:Send(net.raw("x"))
        world:wait("the byte", function()
          return seen.size == episode
        end)
      end
      wait_for_codes(seen, 4)
      assert.are.equal(4, #seen.codes)
    end)

    it("D28: takes the same time whether it was set before Add2Engine or after", function()
      local client, server = world:pair()
      local before, after = net.recorder(), net.recorder()
      client:SetRecvTimeout(20)
      client:Add2Engine(world.engine, before.on_packet)
      server:Add2Engine(world.engine, after.on_packet)
      server:SetRecvTimeout(20)
      local began = chuck.systick()
      wait_for_codes(before, 1)
      wait_for_codes(after, 1)
      assert.is_true(chuck.systick() - began < 900)
    end)

    it("leaves the connection open: both directions work afterwards", function()
      local client, server, seen = watched()
      server:SetRecvTimeout(5)
      wait_for_codes(seen, 1)
      client:Send(net.raw("ping"))
      world:wait("the bytes", function()
        return seen.size == 4
      end)
      assert.are.equal(0, server:Send(net.raw("pong")))
    end)

    it("does not come while bytes keep coming", function()
      local client, server, seen = watched()
      server:SetRecvTimeout(400)
      local timer = chuck.RegTimer(world.engine, 20, function()
        client:Send(net.raw("x"))
      end)
      world:wait("twenty-five bytes", function()
        return seen.size >= 25
      end)
      timer:UnRegister()
      assert.are.same({}, seen.codes)
    end)

    it("is turned off by 0", function()
      local _, server, seen = watched()
      server:SetRecvTimeout(10)
      server:SetRecvTimeout(0)
      world:run(40)
      assert.are.equal(0, seen.calls)
    end)

    it("does not come while reading is paused, and starts with ResumeRead", function()
      local _, server, seen = watched()
      server:SetRecvTimeout(10)
      server:PauseRead()
      world:run(40)
      assert.are.equal(0, seen.calls)
      server:ResumeRead()
      wait_for_codes(seen, 1)
      assert.are.same({ errno.ERVTIMEOUT }, seen.codes)
    end)

    it("may be set again, shorter, inside its own callback", function()
      local _, server = watched()
      local calls = 0
      server:RemoveEngine()
      server:Add2Engine(world.engine, function(conn, _, code)
        if code == errno.ERVTIMEOUT then
          calls = calls + 1
          conn:SetRecvTimeout(5)
        end
      end)
      server:SetRecvTimeout(20)
      world:wait("three timeouts", function()
        return calls >= 3
      end)
      server:SetRecvTimeout(0)
      assert.is_true(calls >= 3)
    end)

    it("D41: leaves no timer behind when its callback closes the connection", function()
      local base = world.engine:Stats()
      for _ = 1, 20 do
        local client, server = world:pair()
        local function hang_up(conn)
          conn:Close()
        end
        client:Add2Engine(world.engine, hang_up)
        server:Add2Engine(world.engine, hang_up)
        server:SetRecvTimeout(3)
        server:SetSendTimeout(3)
      end
      world:wait("no connection", function()
        return world.engine:Stats().open == 0
      end)
      local before = world.engine:Stats().turns
      world:run(40)
      assert.are.equal(base.timers, world.engine:Stats().timers)
      assert.is_true(world.engine:Stats().turns - before <= 3)
    end)
  end)

  describe("of sending", function()
    --- A connection whose peer does not read, with more queued than the kernel takes.
    local function stuck(timeout)
      local client, server = world:pair()
      local seen = net.recorder()
      server:Add2Engine(world.engine, seen.on_packet)
      client:Add2Engine(world.engine, net.ignore)
      client:PauseRead()
      server:SetSendTimeout(timeout)
      server:Send(net.raw(("x"):rep(20000000)))
      return client, server, seen
    end

    it("is told as 154 when no byte leaves for its time, once", function()
      local _, _, seen = stuck(20)
      wait_for_codes(seen, 1)
      world:run(80)
      assert.are.same({ errno.ESNTIMEOUT }, seen.codes)
    end)

    it("D28: starts again when bytes leave again", function()
      local client, server, seen = stuck(30)
      wait_for_codes(seen, 1)
      local left = server:QueuedBytes()
      client:ResumeRead()
      world:wait("bytes to leave", function()
        return server:QueuedBytes() < left
      end)
      client:PauseRead()
      if server:QueuedBytes() < 8000000 then
        server:Send(net.raw(("x"):rep(20000000)))
      end
      wait_for_codes(seen, 2)
      assert.are.same({ errno.ESNTIMEOUT, errno.ESNTIMEOUT }, seen.codes)
    end)

    it("leaves the connection open: everything arrives when the peer reads again", function()
      local client, server, seen = stuck(10)
      wait_for_codes(seen, 1)
      client:ResumeRead()
      world:wait("an empty queue", function()
        return server:QueuedBytes() == 0
      end)
      assert.are.equal(0, server:Send(net.raw("x")))
    end)

    it("D28: does not come when nothing is queued", function()
      local _, server, seen = watched()
      server:SetSendTimeout(5)
      server:Send(net.raw("x"))
      world:run(40)
      assert.are.equal(0, seen.calls)
    end)

    it("D28: measures from the last byte that left, not from when a packet was queued", function()
      local client, server = world:pair()
      local seen, got = net.recorder(), net.recorder()
      server:Send(net.raw("queued long before"))
      world:run(40)
      server:SetSendTimeout(20)
      server:Add2Engine(world.engine, seen.on_packet)
      client:Add2Engine(world.engine, got.on_packet)
      world:wait("the packet", function()
        return got.size > 0
      end)
      assert.are.same({}, seen.codes)
    end)

    it("is turned off by 0", function()
      local _, server, seen = stuck(10)
      server:SetSendTimeout(0)
      world:run(40)
      assert.are.equal(0, seen.calls)
    end)
  end)

  describe("of Run", function()
    it("D33: Run(0) looks and comes back at once, timer or not", function()
      local began = chuck.systick()
      assert.are.equal(0, world.engine:Run(0))
      local timer = chuck.RegTimer(world.engine, 60000, net.ignore)
      assert.are.equal(0, world.engine:Run(0))
      timer:UnRegister()
      assert.is_true(chuck.systick() - began < 5000)
    end)

    it("D33: Run(ms) goes on for that long, though a timer ticks", function()
      local ticks = 0
      local timer = chuck.RegTimer(world.engine, 1, function()
        ticks = ticks + 1
      end)
      local began = chuck.systick()
      assert.are.equal(0, world.engine:Run(40))
      timer:UnRegister()
      assert.is_true(chuck.systick() - began >= 40)
      assert.is_true(ticks > 1)
    end)

    it("D33: Run(0) still delivers what has come", function()
      local client, _, seen = watched()
      client:Send(net.raw("x"))
      for _ = 1, 1000 do
        if seen.size == 0 then
          world.engine:Run(0)
        end
      end
      assert.are.equal("x", seen.text())
    end)
  end)
end)
