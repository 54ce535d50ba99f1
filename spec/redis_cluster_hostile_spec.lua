--- A client of a cluster whose nodes say and do what no real one would.
local assert = require("luassert")
local chuck = require("chuck")
local fake = require("spec.helper.fake_redis")
local sched = require("chuck.co.sched")
local tasks = require("spec.helper.tasks")

local co, redis = chuck.co, chuck.redis
local bulk, list = fake.bulk, fake.list

describe("a client of a cluster", function()
  --- A node that answers `answer(peer, command)`, or OK.
  local function node(answer)
    return tasks.own(fake.listen(sched.engine(), function(peer, command)
      return answer and answer(peer, command) or "+OK\r\n"
    end))
  end

  --- One range of CLUSTER SLOTS, of what is bytes already.
  local function range(first, last, ...)
    return list(first, last, ...)
  end

  local function number(value)
    return (":%d\r\n"):format(value)
  end

  --- A node in CLUSTER SLOTS.
  local function at(server)
    return list(bulk("127.0.0.1"), number(server.port))
  end

  local function open(server, options)
    options = options or {}
    options.nodes = { server.address }
    options.timeout_ms = options.timeout_ms or 2000
    return tasks.own(redis.cluster(options))
  end

  it(
    "takes no harm from a map that is none",
    tasks.spec(function()
      local FIRST, LAST, HOST, PORT = number(0), number(16383), bulk("127.0.0.1"), number(7000)
      for _, reply in ipairs({
        number(1),
        list(number(1)),
        list("#t\r\n"),
        list(range(FIRST, LAST, list(number(5), PORT))),
        list(range(FIRST, LAST, list(list(), PORT))),
        list(range(FIRST, LAST, list(HOST, ",nan\r\n"))),
        list(range(FIRST, LAST, list(HOST, number(70000)))),
        list(range(FIRST, LAST, list(HOST, number(-5)))),
        list(range(",nan\r\n", ",nan\r\n", list(HOST, PORT))),
        list(range(",-inf\r\n", ",inf\r\n", list(HOST, PORT))),
        list(range(",0.5\r\n", LAST, list(HOST, PORT))),
        list(range(number(-1), LAST, list(HOST, PORT))),
      }) do
        local server
        local is_well = false
        server = node(function(_, command)
          if command[1] == "CLUSTER" then
            return is_well and list(range(FIRST, LAST, at(server))) or reply
          end
        end)
        local cluster = open(server)
        local fine, _, code = cluster:Ready(20)
        assert.is_nil(fine, reply)
        assert.are.equal("CLUSTERDOWN", code)
        is_well = true
        assert.are.equal("OK", cluster:Set("foo", 1))
      end
    end)
  )

  --- A node that serves all slots.
  local function master(answer)
    local server
    server = node(function(peer, command)
      if command[1] == "CLUSTER" then
        return list(range(number(0), number(16383), at(server)))
      end
      return command[1] ~= "HELLO" and answer and answer(peer, command)
    end)
    return server
  end

  it(
    "begins nothing new when it is asked for its nodes after its end",
    tasks.spec(function()
      local cluster
      co.scope(function()
        local server = master()
        for _, is_late in ipairs({ false, true }) do
          co.scope(function()
            cluster = open(server)
            assert.is_true(cluster:Ready())
            cluster:Close()
            assert.is_true(is_late or cluster:Nodes()[1].client:IsClosed())
          end)
          assert.is_true(cluster:Nodes()[1].client:IsClosed())
        end
      end, { deadline_ms = 2000 })
    end)
  )

  it(
    "carries out the rest of a pipeline when nobody serves one slot",
    tasks.spec(function()
      local server
      server = node(function(_, command)
        if command[1] == "CLUSTER" then
          return list(range(number(0), number(8191), at(server)))
        end
      end)
      local cluster = open(server, { timeout_ms = 300 })
      local results, message, code, partial = cluster:Pipeline(function(p)
        p:Set("foo", 1):Set("bar", 2):Wait(1, 10)
      end)
      assert.is_nil(results)
      assert.are.equal("CLUSTERDOWN", code)
      assert.is_truthy(message:find("1 of 3 commands have no reply", 1, true), message)
      assert.is_truthy(message:find("no node serves slot 12182", 1, true), message)
      assert.are.equal("OK", partial[2])
      assert.are.equal("OK", partial[3])
    end)
  )

  it(
    "tells what the server said last when the time has passed",
    tasks.spec(function()
      local server = master(function()
        return "-CLUSTERDOWN The cluster is down\r\n"
      end)
      local value, message, code, err = open(server, { timeout_ms = 300 }):Get("foo")
      assert.is_nil(value)
      assert.are.equal("CLUSTERDOWN", code)
      assert.are.equal("CLUSTERDOWN The cluster is down", message)
      assert.is_true(redis.is_error(err))
      -- Where it is sent then there is nobody.
      server = master(function()
        return "-MOVED 12182 127.0.0.1:1\r\n"
      end)
      local _
      value, _, code = open(server, { timeout_ms = 300 }):Get("foo")
      assert.is_nil(value)
      -- The time may pass at the one or at the other.
      assert.is_truthy(code == "ECONNREFUSED" or code == "ETIMEDOUT", code)
    end)
  )

  it(
    "answers blocking commands in time when a node takes none",
    tasks.spec(function()
      local server = master(function()
        return "-CLUSTERDOWN The cluster is down\r\n"
      end)
      local cluster = open(server, { timeout_ms = 200 })
      local began = sched.now()
      local value, _, code = cluster:BLPop("foo", 0.1)
      assert.is_nil(value)
      assert.are.equal("CLUSTERDOWN", code)
      value, _, code = cluster:CallWith({ timeout_ms = 100 }, "BLPOP", "foo", 0.1)
      assert.is_nil(value)
      assert.are.equal("CLUSTERDOWN", code)
      assert.is_true(sched.now() - began < 1500)
    end)
  )

  it(
    "has blocking commands follow ASK and MOVED",
    tasks.spec(function()
      local word = "ASK"
      local target = node(function(peer, command)
        if command[1] == "XREAD" or command[1] == "BLPOP" then
          local before = peer.commands[#peer.commands - 1][1]
          return (word == "ASK") == (before == "ASKING")
              and (command[1] == "XREAD" and list() or list(bulk("foo"), bulk("x")))
            or "-ERR not so\r\n"
        end
      end)
      local server = master(function()
        return ("-%s 12182 127.0.0.1:%d\r\n"):format(word, target.port)
      end)
      local cluster = open(server, { timeout_ms = 500 })
      assert.are.same({ "foo", "x" }, cluster:BLPop("foo", 1))
      assert.is_table(cluster:XRead("STREAMS", "foo", "0"))
      word = "MOVED"
      assert.are.same({ "foo", "x" }, cluster:BLPop("foo", 1))
    end)
  )

  it(
    "tells of replies that cannot be joined",
    tasks.spec(function()
      local reply
      local one, other
      local function answer(_, command)
        if command[1] == "CLUSTER" then
          return list(
            range(number(0), number(8191), at(one)),
            range(number(8192), number(16383), at(other))
          )
        end
        return command[1] ~= "HELLO" and reply
      end
      one, other = node(answer), node(answer)
      local cluster = open(one)
      for _, bytes in ipairs({ "+OK\r\n", "$-1\r\n", "#f\r\n", list(bulk("a"), bulk("b")) }) do
        reply = bytes
        for name, call in pairs({
          DBSIZE = function()
            return cluster:DbSize()
          end,
          MGET = function()
            return cluster:MGet("foo", "bar")
          end,
          DEL = function()
            return cluster:Del("foo", "bar")
          end,
          transaction = function()
            return cluster:Multi(function(tx)
              tx:Set("foo", 1)
            end)
          end,
        }) do
          local value, message, code = call()
          assert.is_nil(value, name)
          assert.are.equal("ERDISPERROR", code, name)
          assert.is_truthy(message:find("127.0.0.1:", 1, true), message)
        end
        if reply ~= list(bulk("a"), bulk("b")) then
          assert.are.equal("ERDISPERROR", select(3, cluster:Keys("*")))
          local results = cluster:Pipeline(function(p)
            p:MGet("foo", "bar")
          end)
          assert.are.equal("ERDISPERROR", results[1].code)
        end
      end
      -- Not numbers, but a list.
      assert.are.same({ 0, 0 }, cluster:Script("EXISTS", "x", "y"))
    end)
  )

  it(
    "tells errors of on_slow, and answers all the same",
    tasks.spec(function()
      local server, told = master(), {}
      co.on_error(function(problem)
        told[#told + 1] = tostring(problem)
      end)
      local cluster = open(server, {
        slow_ms = 0,
        on_slow = function(name, _, key)
          co.sleep(1)
          error("slow " .. name .. " " .. key)
        end,
      })
      assert.are.equal("OK", cluster:Set("foo", 1))
      tasks.wait("the error", function()
        return told[1]
      end)
      assert.is_truthy(told[1]:find("slow SET foo", 1, true), told[1])
      assert.are.equal(1, cluster:Stats().slow)
    end)
  )

  it(
    "believes a node about the slot of a command",
    tasks.spec(function()
      local one
      local other = node()
      one = node(function(_, command)
        if command[1] == "CLUSTER" then
          return list(
            range(number(0), number(8191), at(one)),
            range(number(8192), number(16383), at(other))
          )
        end
        return command[1] == "NOSUCH" and ("-MOVED 12182 127.0.0.1:%d\r\n"):format(other.port)
      end)
      local cluster = open(one)
      -- Its key is taken to be the first, and is the second.
      assert.are.equal("OK", cluster:Call("NOSUCH", "bar", "foo"))
      assert.are.equal(1, cluster:Stats().redirections)
    end)
  )

  it(
    "reads from the master while a replica cannot answer",
    tasks.spec(function()
      local server
      local replica = node(function(_, command)
        return command[1] == "GET" and "-LOADING Redis is loading the dataset in memory\r\n"
      end)
      server = node(function(_, command)
        if command[1] == "CLUSTER" then
          return list(range(number(0), number(16383), at(server), at(replica)))
        end
        return command[1] == "GET" and bulk("master")
      end)
      local cluster = open(server, { reads = "replica" })
      assert.are.equal("master", cluster:Get("foo"))
    end)
  )

  it(
    "leaves no connection behind that was being opened when it was closed",
    tasks.spec(function()
      local server
      local held
      server = node(function(peer, command)
        if command[1] == "CLUSTER" then
          return list(range(number(0), number(16383), at(server)))
        elseif command[1] == "HELLO" and #server.peers > 2 then
          held = peer
          return {}
        end
      end)
      local cluster = open(server)
      assert.are.equal("OK", cluster:Set("foo", 1))
      local opening = tasks.parked(function()
        return cluster:OpenLink()
      end)
      tasks.wait("the greeting", function()
        return held
      end)
      cluster:Close()
      held:Send("+OK\r\n")
      assert.are.equal("ESOCKCLOSE", tasks.finished(opening)[3])
      tasks.wait("the end of the connection", function()
        return held.is_left
      end)
    end)
  )

  it(
    "sends a lost command as often again as it is told to",
    tasks.spec(function()
      local count
      local server = master(function(peer, command)
        if command[1] == "GET" then
          count = count + 1
          peer:Close(true)
          return {}
        end
      end)
      for retries = 0, 2 do
        local cluster = open(server, { in_flight = "retry", retries = retries })
        assert.are.equal("OK", cluster:Set("foo", 1))
        count = 0
        local value, _, code = cluster:Get("foo")
        assert.is_nil(value)
        assert.is_truthy(code == "EOF" or code == "ECONNRESET", code)
        assert.are.equal(1 + retries, count)
        assert.are.equal(retries, cluster:Stats().repeats)
      end
    end)
  )

  it(
    "tells a blocking command that its node has left, not that it was closed",
    tasks.spec(function()
      local one, other, is_gone
      local function answer(_, command)
        if command[1] == "CLUSTER" then
          return list(range(number(0), number(16383), at(is_gone and other or one)))
        end
        return command[1] == "BLPOP" and {}
      end
      one, other = node(answer), node(answer)
      local cluster = open(one, { refresh_ms = 50 })
      assert.is_true(cluster:Ready())
      local waiting = tasks.parked(function()
        return cluster:BLPop("foo", 5)
      end)
      tasks.wait("the command at the node", function()
        local last = one.peers[#one.peers].commands
        return last[#last][1] == "BLPOP"
      end)
      is_gone = true
      local outcome = tasks.finished(waiting)
      assert.are.equal("ECONNRESET", outcome[3])
      assert.is_truthy(outcome[2]:find("no node of the cluster any more", 1, true))
      assert.are.equal("OK", cluster:Set("foo", 1))
    end)
  )
end)
