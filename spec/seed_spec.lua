--- The three programs of the seed, as they were printed, each in a process of its own.
---
--- They use port 8010, so they run one after another; two runs of this spec at once would meet.
local chuck = require("chuck")
local child = require("spec.helper.child")
local net = require("spec.helper.net")

local decoder = chuck.decoder
local socket_helper = chuck.socket_helper

local PORT = 8010
local CLIENTS = 100

describe("the seed's", function()
  local world, children

  before_each(function()
    world, children = net.open(), {}
  end)

  after_each(function()
    for _, process in ipairs(children) do
      process:finish()
    end
    world:close()
  end)

  local function start(name, by_line)
    local process = child.start("examples/seed/" .. name .. ".lua", by_line)
    children[#children + 1] = process
    return process
  end

  --- A socket that is connected to the port, as soon as somebody listens.
  local function connect_when_up(process)
    local connected
    world:wait("port " .. PORT, function()
      assert(not process:status(), process:output())
      local fd = net.socket()
      if socket_helper.connect(fd, "127.0.0.1", PORT) == 0 then
        connected = world:own_fd(fd)
      else
        socket_helper.close(fd)
      end
      return connected
    end)
    return connected
  end

  --- Sends SIGINT and gives the status that the process ended with.
  local function interrupt(process)
    process:interrupt()
    world:wait("the end of the process", function()
      return process:status()
    end)
    return process:status()
  end

  --- How many lines of a text match a pattern.
  local function count_lines(text, pattern)
    local count = 0
    for line in text:gmatch("[^\n]+") do
      count = count + (line:find(pattern) and 1 or 0)
    end
    return count
  end

  describe("echoserver.lua", function()
    it("sends back what it gets, then closes, to one client after another", function()
      local server = start("echoserver", true)
      local fd = connect_when_up(server)
      for i = 1, 3 do
        local conn, seen = world:connection(fd), net.recorder()
        conn:Add2Engine(world.engine, seen.on_packet)
        conn:Send(net.raw("hello " .. i .. "\r\n"))
        world:wait("the end", function()
          return seen.code
        end)
        assert.are.equal("hello " .. i .. "\r\n", seen.text())
        assert.are.same({ 0 }, seen.codes)
        fd = connect_when_up(server)
      end
      assert.are.equal(0, interrupt(server))
      assert.are.equal(3, count_lines(server:output(), "^packet send finish$"))
    end)

    it("ends with status 0 on SIGINT", function()
      local server = start("echoserver")
      connect_when_up(server)
      assert.are.equal(0, interrupt(server))
      assert.truthy(server:output():find("recv sigint", 1, true))
    end)
  end)

  describe("rpacket_server.lua", function()
    it("sends each packet back to who sent it, and ends with status 0 on SIGINT", function()
      local server = start("rpacket_server", true)
      local conn = world:connection(connect_when_up(server), decoder.connection.rpacket(65535))
      local seen = net.recorder()
      conn:Add2Engine(world.engine, seen.on_packet)
      for i = 1, 10 do
        conn:Send(net.frame("packet " .. i))
      end
      world:wait("ten packets", function()
        return #seen.packets == 10
      end)
      for i = 1, 10 do
        assert.are.equal("packet " .. i, seen.packets[i]:ReadStr())
      end
      assert.are.equal(0, interrupt(server))
    end)
  end)

  describe("rpacket_client.lua", function()
    it("has a hundred clients talk to the server; no packet is lost or doubled", function()
      local server = start("rpacket_server", true)
      socket_helper.close(connect_when_up(server))
      local client = start("rpacket_client")
      world:wait("a hundred clients and their packets", function()
        local output = server:output()
        return count_lines(output, "^on_new_client$") > CLIENTS and output:find("\n[1-9]%d*\n")
      end)
      assert.are.equal(0, interrupt(client))
      local total
      world:wait("a second without packets", function()
        local counts = server:output():gsub("^.*\nserver start\n", "")
        total = 0
        local last
        for count in counts:gmatch("%f[^\n%z](%d+)\n") do
          last = tonumber(count)
          total = total + last
        end
        return total > 0 and last == 0
      end)
      assert.are.equal(0, interrupt(server))
      local received = count_lines(client:output(), "\t0$")
      -- Each client has at most one packet under way when it is interrupted.
      assert.are.equal(CLIENTS, count_lines(client:output(), "^connect success2$"))
      assert.is_true(received >= CLIENTS)
      assert.is_true(total >= received and total <= received + CLIENTS)
    end)
  end)
end)
