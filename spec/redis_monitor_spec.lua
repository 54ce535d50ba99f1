--- Monitors: every command of a server, with its bytes as they were.
local chuck = require("chuck")
local compat = require("chuck.support.compat")
local monitor = require("chuck.redis.monitor")
local servers = require("spec.helper.redis")
local tasks = require("spec.helper.tasks")

local co, redis = chuck.co, chuck.redis
local spec = tasks.spec

local function connect(server, options)
  options = options or {}
  options.port = server.port
  options.backoff_ms = 1
  return tasks.own(redis.client(options))
end

--- The next command that is `name`.
local function wait_for(watched, name)
  local seen
  repeat
    seen = assert(watched:Next(5000))
  until seen.command[1] == name
  return seen
end

describe("a line of a monitor", function()
  it("is taken apart", function()
    local seen = monitor.parse('1339518083.107412 [2 127.0.0.1:60866] "keys" "*"')
    assert.are.equal(1339518083.107412, seen.time)
    assert.are.equal(2, seen.db)
    assert.are.equal("127.0.0.1:60866", seen.source)
    assert.are.same({ "keys", "*" }, seen.command)
  end)

  it("has sources of every kind", function()
    for _, source in ipairs({ "[::1]:6000", "unix:/tmp/a b", "lua", "" }) do
      local seen = monitor.parse(('1.5 [0 %s] "a" "] "'):format(source))
      assert.are.equal(source, seen.source)
      assert.are.same({ "a", "] " }, seen.command)
    end
  end)

  it("has its escapes undone", function()
    local line = [[1.5 [0 lua] "\"" "\\" "\\x41\x41" "\n\r\t\a\b" "" "a\x00\xff" " "]]
    local expected = { '"', "\\", "\\x41A", "\n\r\t\a\b", "", "a\0\255", " " }
    assert.are.same(expected, monitor.parse(line).command)
  end)

  it("is nothing when it is cut", function()
    local line = [[1.5 [0 lua] "ab\x00" "c"]]
    for cut = 0, #line - 1 do
      local seen = monitor.parse(line:sub(1, cut))
      -- Behind the first argument it is whole.
      assert.are.equal(cut == 20, seen ~= nil, cut)
    end
  end)
end)

describe("a monitor", function()
  teardown(servers.finish)

  for _, protocol in ipairs({ 2, 3 }) do
    it(
      ("sees commands with their bytes, by RESP%d"):format(protocol),
      spec(function()
        local client = connect(servers.shared(), { protocol = protocol, db = 3 })
        local watched = assert(client:Monitor())
        local value = 'a "quoted" \\ \r\n\t\a\b\0\255 ] value'
        client:Set("key", value)
        local seen = wait_for(watched, "SET")
        assert.are.same({ "SET", "key", value }, seen.command)
        assert.are.equal(3, seen.db)
        assert.is_truthy(seen.source:find("^127%.0%.0%.1:%d+$"))
        assert.is_true(seen.time > 1e9)
        assert.are.equal(protocol, watched:Stats().protocol)
      end)
    )
  end

  it(
    "comes back after kill -9, and tells of the gap",
    spec(function()
      local server = servers.server()
      local client = connect(server)
      local watched = assert(client:Monitor())
      server:Restart()
      tasks.wait("the monitor", function()
        return watched:Stats().connects == 2
      end)
      assert.are.equal("OK", client:Set("key", "value"))
      local seen = assert(watched:Next(5000))
      assert.is_true(seen.gap)
      assert.are.equal(1, watched:Stats().gaps)
      server:Kill()
    end)
  )

  it(
    "calls a function, and is iterated but on Lua 5.1",
    spec(function()
      local client = connect(servers.shared())
      local names = {}
      local calling = assert(client:Monitor(function(seen)
        names[#names + 1] = seen.command[1]
      end))
      local watched = assert(client:Monitor({ buffer = 100 }))
      client:Set("key", "value")
      tasks.wait("the call", function()
        return names[#names] == "SET"
      end)
      if compat.yields_across_pcall then
        for seen in watched:Commands() do
          if seen.command[1] == "SET" then
            break
          end
        end
      end
      calling:Close()
      client:Get("key")
      wait_for(watched, "GET")
      assert.are.equal("SET", names[#names])
    end)
  )

  it(
    "holds no more than its buffer, and loses nothing",
    spec(function()
      local client = connect(servers.shared())
      local watched = assert(client:Monitor({ buffer = 10 }))
      for i = 1, 2000 do
        client:Echo(i)
        assert.is_true(watched:Stats().queued <= 10)
      end
      local i = 0
      while i < 2000 do
        local seen = assert(watched:Next(5000))
        if seen.command[1] == "ECHO" then
          i = i + 1
          assert.are.equal(tostring(i), seen.command[2])
        end
      end
    end)
  )

  it(
    "asks a silent server, and does not see that itself",
    spec(function()
      local server = servers.server()
      local client = connect(server, { heartbeat_ms = 0 })
      client:Ping()
      client.options.heartbeat_ms = 20
      local watched = assert(client:Monitor())
      co.sleep(150)
      local stats = watched:Stats()
      assert.are.equal(0, stats.gaps)
      assert.are.equal(0, stats.received)
      assert.is_true(watched.others > 2)
      server:Kill()
    end)
  )

  it(
    "shows nothing of itself, by a Unix socket either, and PING of others",
    spec(function()
      local server = servers.shared()
      for _, place in ipairs({ { path = server.path }, { port = server.port } }) do
        place.heartbeat_ms = 10
        server:Cli("CONFIG", "RESETSTAT")
        local client = tasks.own(redis.client(place))
        local watched = assert(client:Monitor())
        co.sleep(100)
        client:Call("PING", "hello")
        client:Set("key", "end")
        local seen, pings, last = watched:Next(5000), 0, nil
        while seen.command[1] ~= "SET" do
          if seen.command[1] == "PING" then
            pings, last = pings + 1, seen.command[2]
          end
          seen = assert(watched:Next(5000))
        end
        -- The client asks the server too whether it is there, on its own connection.
        local all = server:Cli("INFO", "commandstats"):match("cmdstat_ping:calls=(%d+)")
        assert.are.equal("hello", last)
        assert.is_true(pings < tonumber(all), pings)
        assert.are.equal(0, watched:Stats().gaps)
        client:Close()
      end
    end)
  )

  it(
    "ends by Close, by cancellation, and by a refusal",
    spec(function()
      local server = servers.server({ users = { "alice on >pw ~* &* +@all -monitor" } })
      local client = connect(server)
      local watched = assert(client:Monitor())
      while watched:Next(5) do
        co.sleep(0)
      end
      local waiting = tasks.parked(watched.Next, watched)
      watched:Close()
      assert.are.equal("ESOCKCLOSE", tasks.finished(waiting)[3])
      assert.is_true(watched:IsClosed())
      assert.are.equal("ESOCKCLOSE", select(3, watched:Next()))
      local alice = connect(server, { username = "alice", password = "pw" })
      local none, _, code, err = alice:Monitor()
      assert.is_nil(none)
      assert.are.equal("NOPERM", code)
      assert.is_true(redis.is_error(err))
      server:Freeze()
      waiting = tasks.parked(client.Monitor, client)
      waiting.task:Cancel()
      assert.are.equal("ETIMEDOUT", select(3, client:Monitor({ timeout_ms = 20 })))
      server:Kill()
    end)
  )

  it(
    "blames the caller's line for wrong arguments",
    spec(function()
      local client = connect(servers.shared())
      local watched = assert(client:Monitor())
      for _, call in ipairs({
        { client.Monitor, client, 5 },
        { client.Monitor, client, { buffer = "x" } },
        { client.Monitor, client, {}, 5 },
        { watched.Next, watched, "1" },
        { watched.Next, client },
        { watched.Commands, {} },
        { watched.Close },
        { watched.IsClosed, 1 },
        { watched.Stats, {} },
      }) do
        local fine, problem = co.pcall(function()
          local _ = call[1](compat.unpack(call, 2, 5))
          return _
        end)
        assert.is_false(fine)
        assert.is_truthy(tostring(problem):find("redis_monitor_spec.lua", 1, true), problem)
      end
    end)
  )
end)
