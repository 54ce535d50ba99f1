--- Clients and pools over real sockets, to servers that come and go, in this process and in others.
local chuck = require("chuck")
local child = require("spec.helper.child")
local sched = require("chuck.co.sched")
local tasks = require("spec.helper.tasks")

local co, rpc = chuck.co, chuck.rpc
local spec = tasks.spec

local SERVICES = {
  add = function(a, b)
    return a + b
  end,
  slow = function(ms)
    co.sleep(ms)
    return "slept"
  end,
  fail = function()
    error("broken", 0)
  end,
  numbers = false,
}

local QUICK = { backoff_ms = 10, backoff_max_ms = 50 }

local function options_of(options)
  local all = {}
  for _, list in ipairs({ QUICK, options or {} }) do
    for name, value in pairs(list) do
      all[name] = value
    end
  end
  return all
end

local function services()
  local made = rpc.services({ add = SERVICES.add, slow = SERVICES.slow, fail = SERVICES.fail })
  made:Register("numbers", function(flow, n)
    for i = 1, n do
      assert(flow:Send(i))
    end
    return "all"
  end, { stream = true })
  return made
end

local function serve(addr)
  return tasks.own(assert(rpc.serve(addr or "127.0.0.1:0", services(), {
    on_error = function() end,
  })))
end

local function connect(addr, options)
  return tasks.own(rpc.connect(addr, options_of(options)))
end

local function pool(addrs, options)
  return tasks.own(rpc.pool(addrs, options_of(options)))
end

--- A server in a process of its own, at a Unix socket.
local SERVER = [[
  local chuck = require("chuck")
  local co, rpc = chuck.co, chuck.rpc
  co.run(function()
    assert(rpc.serve("unix:%s", {
      add = function(a, b) return a + b end,
      slow = function(ms) co.sleep(ms) return "slept" end,
      whoami = function() return %d end,
    }))
  end)
]]

local programs, running = {}, {}

local function start_server(path, number)
  local name = os.tmpname()
  local file = assert(io.open(name, "wb"))
  file:write(SERVER:format(path, number))
  file:close()
  programs[#programs + 1] = name
  local server = child.start(name)
  running[#running + 1] = server
  return server
end

local function kill(server)
  os.execute("kill -KILL " .. server.pid)
end

local paths = {}

local function new_path()
  local path = os.tmpname()
  os.remove(path)
  paths[#paths + 1] = path
  return path
end

after_each(function()
  for _, server in ipairs(running) do
    server:finish()
  end
  for _, list in ipairs({ programs, paths }) do
    for _, name in ipairs(list) do
      os.remove(name)
    end
  end
  programs, running, paths = {}, {}, {}
end)

--- What a stream brings, added up. Iterators cannot wait on Lua 5.1.
local function sum_of(flow)
  local sum, value = 0, flow:Recv()
  while value do
    sum, value = sum + value, flow:Recv()
  end
  return sum
end

describe("a client", function()
  it(
    "has the methods of a peer",
    spec(function()
      local server = serve()
      local client = connect(server:GetSockAddr())
      client:Register("name", function()
        return "client"
      end)
      assert.are.equal(3, client:Call("add", 1, 2))
      assert.are.equal(3, client:CallWith({ timeout_ms = 1000 }, "add", 1, 2))
      assert.are.equal(3, client:Proxy().add(1, 2))
      assert.is_true(client:Notify("add", 1, 2))
      local _, message, code = client:Call("fail")
      assert.are.equal("EREMOTE", code)
      assert.matches("broken", message)
      assert.are.equal("client", server:Peers()[1]:Call("name"))
      local flow = assert(client:Open("numbers", 10))
      assert.are.equal(55, sum_of(flow))
      assert.are.equal("all", flow:Result())
      local answer
      assert.is_true(client:CallAsync(function(...)
        answer = { ... }
      end, "add", 1, 2))
      tasks.wait("the answer", function()
        return answer
      end)
      assert.are.same({ 3 }, answer)
      assert.are.same({ 0, 0, 0 }, { client:InFlight() })
      assert.is_false(client:IsClosed())
    end)
  )

  it(
    "waits for a server that is not there yet",
    spec(function()
      local addr = "unix:" .. new_path()
      local client = connect(addr)
      local call = tasks.parked(client.Call, client, "add", 1, 2)
      local opened = tasks.parked(client.Open, client, "numbers", 3)
      local answer
      assert.is_true(client:CallAsync(function(...)
        answer = { ... }
      end, "add", 2, 2))
      local sent, message, code = client:Notify("add", 1, 2)
      assert.is_nil(sent)
      assert.are.equal("ESOCKCLOSE", code, message)
      serve(addr)
      assert.are.equal(3, tasks.finished(call)[1])
      assert.is_truthy(tasks.finished(opened)[1])
      opened[1]:Close()
      tasks.wait("the answer", function()
        return answer
      end)
      assert.are.same({ 4 }, answer)
    end)
  )

  it(
    "tells calls that were put off when it is closed",
    spec(function()
      local client = connect("unix:" .. new_path())
      local answer
      assert.is_true(client:CallAsync(function(...)
        answer = { ... }
      end, "add", 2, 2))
      co.sleep(5)
      client:Close()
      tasks.wait("the answer", function()
        return answer
      end)
      assert.are.equal("ESOCKCLOSE", answer[3])
      assert.are.equal("ESOCKCLOSE", select(3, client:CallAsync(function() end, "add")))
    end)
  )

  it(
    "tells why there is no connection",
    spec(function()
      local client = connect("unix:" .. new_path())
      local done, message, code = client:Ready(50)
      assert.is_nil(done)
      assert.are.equal("ENOENT", code, message)
    end)
  )

  it(
    "finds its server again after that was closed and started",
    spec(function()
      local addr = "unix:" .. new_path()
      local server = serve(addr)
      local downs = 0
      local client = connect(addr, {
        on_disconnect = function()
          downs = downs + 1
        end,
      })
      for round = 1, 5 do
        assert.are.equal(round + 1, client:Call("add", round, 1))
        server:Close()
        tasks.wait("the end of the connection", function()
          return downs == round
        end)
        server = serve(addr)
      end
    end)
  )

  it(
    "finds a server that was killed with SIGKILL and started again",
    spec(function()
      local path = new_path()
      local first = start_server(path, 1)
      local client = connect("unix:" .. path)
      assert.are.equal(1, client:Call("whoami"))
      local once = tasks.parked(client.Call, client, "slow", 60000)
      local again = tasks.parked(client.CallWith, client, { idempotent = true }, "slow", 100)
      kill(first)
      assert.are.equal("ESOCKCLOSE", tasks.finished(once)[3])
      start_server(path, 2)
      assert.are.equal("slept", tasks.finished(again)[1])
      assert.are.equal(2, client:Call("whoami"))
    end)
  )

  it(
    "lets others run while callers call again and again without success",
    spec(function()
      local path = new_path()
      local server = start_server(path, 1)
      local client = connect("unix:" .. path, { wait_ms = 0 })
      assert(client:Ready(10000))
      local answers, failures, is_done = 0, 0, false
      for _ = 1, 50 do
        co.spawn(function()
          while not is_done do
            local answer = client:Call("add", 1, 1)
            answers, failures = answers + (answer and 1 or 0), failures + (answer and 0 or 1)
          end
        end)
      end
      tasks.wait("answers", function()
        return answers > 100
      end)
      kill(server)
      tasks.wait("failures", function()
        return failures > 1000
      end)
      answers = 0
      start_server(path, 2)
      tasks.wait("answers again", function()
        return answers > 100
      end)
      is_done = true
    end)
  )

  it(
    "is left alone by what comes and goes at its address",
    spec(function()
      local path = new_path()
      local client = connect("unix:" .. path)
      local listener = tasks.own(assert(chuck.io.listen("unix:" .. path, function(stream)
        stream:Write("220 mail.example.org ESMTP\r\n")
      end)))
      co.sleep(100)
      listener:Close(0)
      serve("unix:" .. path)
      assert.are.equal(3, client:Call("add", 1, 2))
    end)
  )

  it(
    "blames the caller's line for arguments, with and without a connection",
    spec(function()
      local client = connect(serve():GetSockAddr())
      assert(client:Ready())
      local function at(fn)
        local line = debug.getinfo(fn, "S").linedefined + 1
        local fine, problem = co.pcall(fn)
        assert.is_false(fine)
        assert.matches("rpc_connect_spec.lua:" .. line .. ": bad argument", tostring(problem))
      end
      at(function()
        client:Call("add", print)
      end)
      at(function()
        client:CallWith({ idempotent = true }, "add", print)
      end)
      at(function()
        client:Call(12)
      end)
      at(function()
        client:CallWith({ retry = true }, "add")
      end)
      at(function()
        rpc.connect(12)
      end)
      at(function()
        rpc.connect("127.0.0.1:1", { services = { 12 } })
      end)
      at(function()
        rpc.pool({})
      end)
      at(function()
        rpc.pool({ "127.0.0.1:1", false })
      end)
      at(function()
        rpc.serve("127.0.0.1:0", { [12] = print })
      end)
    end)
  )

  it(
    "blames the caller's line for calls that wait, outside of tasks",
    spec(function()
      local client = connect("unix:@rpc-connect-nobody")
      local problems = {}
      local line = debug.getinfo(1, "l").currentline + 4
      sched.timer(1, function()
        for _, name in ipairs({ "Call", "Open", "Ready" }) do
          local _, problem = pcall(function()
            local result = client[name](client, name ~= "Ready" and "add" or nil)
            return result
          end)
          table.insert(problems, problem)
        end
      end)
      tasks.wait("the problems", function()
        return #problems == 3
      end)
      for _, problem in ipairs(problems) do
        assert.matches("rpc_connect_spec.lua:" .. line .. ": this call waits", problem)
      end
    end)
  )

  it(
    "gives back its task and its descriptors when it is closed in any state",
    spec(function()
      local server = serve()
      local function alive()
        return co.stats().alive
      end
      local before = alive()
      for wait = 0, 20 do
        local client = rpc.connect(server:GetSockAddr(), QUICK)
        co.sleep(wait / 4)
        client:Close()
        client:Close()
      end
      tasks.wait("their tasks", function()
        return alive() <= before
      end)
      tasks.wait("their connections", function()
        return server:Connections() == 0
      end)
    end)
  )
end)

describe("a pool", function()
  it(
    "has connections to every address",
    spec(function()
      local one, two = serve(), serve("unix:" .. new_path())
      local client = pool({ one:GetSockAddr(), two.addr }, { size = 3 })
      tasks.wait("six connections", function()
        return #client:Peers() == 6
      end)
      assert.are.equal(3, one:Connections())
      assert.are.equal(3, two:Connections())
      local calls = {}
      for i = 1, 12 do
        calls[i] = tasks.parked(client.Call, client, "slow", 500)
      end
      for _, peer in ipairs(client:Peers()) do
        assert.are.equal(2, (peer:InFlight()))
      end
      for i = 1, 12 do
        assert.are.equal("slept", tasks.finished(calls[i])[1])
      end
    end)
  )

  it(
    "goes on with the others when a server is killed, and comes back to it",
    spec(function()
      local paths_of = { new_path(), new_path() }
      local servers = { start_server(paths_of[1], 1), start_server(paths_of[2], 2) }
      local client = pool({ "unix:" .. paths_of[1], "unix:" .. paths_of[2] })
      tasks.wait("both", function()
        return #client:Peers() == 2
      end)
      kill(servers[1])
      local last = 0
      for i = 1, 200 do
        local answer, message, code = client:CallWith({ idempotent = true }, "add", i, 1)
        assert.are.equal(i + 1, answer, tostring(message) .. tostring(code))
        last = i
      end
      assert.are.equal(200, last)
      tasks.wait("one", function()
        return #client:Peers() == 1
      end)
      assert.are.equal(2, client:Call("whoami"))
      start_server(paths_of[1], 3)
      tasks.wait("both again", function()
        return #client:Peers() == 2
      end)
      local seen = {}
      for _ = 1, 10 do
        seen[client:Call("whoami")] = true
      end
      assert.are.same({ [2] = true, [3] = true }, seen)
    end)
  )

  it(
    "makes calls elsewhere that a server refuses because it closes",
    spec(function()
      local one, two = serve(), serve()
      local client = pool({ one:GetSockAddr(), two:GetSockAddr() })
      tasks.wait("both", function()
        return #client:Peers() == 2
      end)
      local slow = tasks.parked(client.Call, client, "slow", 100)
      local other = tasks.parked(client.Call, client, "slow", 100)
      local closing = tasks.parked(one.Close, one, 5000)
      for i = 1, 20 do
        assert.are.equal(i + 1, client:Call("add", i, 1))
      end
      assert.are.equal("slept", tasks.finished(slow)[1])
      assert.are.equal("slept", tasks.finished(other)[1])
      tasks.finished(closing)
    end)
  )

  it(
    "keeps no more than it was told, also over ten thousand calls",
    spec(function()
      local server = serve()
      local client = pool(server:GetSockAddr(), { size = 2 })
      assert(client:Ready())
      local function round(count)
        co.scope(function(children)
          for _ = 1, 50 do
            children:Spawn(function()
              for i = 1, count / 50 do
                assert(client:Call("add", i, 1) == i + 1)
              end
            end)
          end
        end)
        collectgarbage()
        collectgarbage()
        return collectgarbage("count")
      end
      round(5000)
      local before = round(5000)
      local after = round(10000)
      assert.is_true(after - before < 200, ("%.1f KiB more"):format(after - before))
      assert.are.equal(2, #client:Peers())
    end)
  )
end)
