--- A client of a real cluster of six while slots move and nodes die.
local assert = require("luassert")
local chuck = require("chuck")
local sched = require("chuck.co.sched")
local servers = require("spec.helper.redis")
local slots = require("chuck.redis.slots")
local tasks = require("spec.helper.tasks")

local co, redis = chuck.co, chuck.redis

describe("a client of a cluster", function()
  local nodes

  setup(function()
    nodes = servers.cluster(3, 3)
  end)

  teardown(servers.finish)

  before_each(function()
    for _, node in ipairs(nodes.nodes) do
      if node.pid then
        node:Cli("FLUSHALL")
      end
    end
  end)

  --- A client that knows one node, the first that runs.
  local function open(options)
    options = options or {}
    for _, node in ipairs(nodes.nodes) do
      if node.pid and not options.nodes then
        options.nodes = { node.address }
      end
    end
    return tasks.own(redis.cluster(options))
  end

  describe("while a slot moves", function()
    local SLOT = 12182
    local from, to

    --- Moves keys of the slot of "foo" to another node.
    local function migrate(...)
      return from:Cli("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS", ...)
    end

    local function id_of(node)
      return node:Cli("CLUSTER", "MYID")
    end

    before_each(function()
      from = nodes:MasterOf(SLOT)
      to = nodes:MasterOf(0) == from and nodes:MasterOf(6000) or nodes:MasterOf(0)
    end)

    local function begin()
      assert.are.equal("OK", to:Cli("CLUSTER", "SETSLOT", SLOT, "IMPORTING", id_of(from)))
      assert.are.equal("OK", from:Cli("CLUSTER", "SETSLOT", SLOT, "MIGRATING", id_of(to)))
    end

    local function finish()
      local id = id_of(to)
      assert.are.equal("OK", to:Cli("CLUSTER", "SETSLOT", SLOT, "NODE", id))
      assert.are.equal("OK", from:Cli("CLUSTER", "SETSLOT", SLOT, "NODE", id))
    end

    --- Whatever a spec has come to.
    after_each(function()
      for _, node in ipairs(nodes.nodes) do
        node:Cli("CLUSTER", "SETSLOT", SLOT, "STABLE")
      end
    end)

    it(
      "follows ASK without a change of the map, and MOVED with one",
      tasks.spec(function()
        local cluster = open()
        cluster:MSet("{foo}1", "a", "{foo}2", "b")
        begin()
        assert.are.equal("OK", migrate("{foo}1"))
        local refreshes = cluster:Stats().refreshes
        for i = 1, 3 do
          assert.are.equal("a", cluster:Get("{foo}1"))
          assert.are.equal("b", cluster:Get("{foo}2"))
          assert.are.equal(i, cluster:Stats().redirections)
        end
        assert.are.equal("OK", cluster:Set("{foo}new", "c"))
        assert.are.same(
          { "OK", 2 },
          cluster:Multi(function(tx)
            tx:Set("{foo}tx", 1)
            tx:Incr("{foo}tx")
          end)
        )
        assert.are.same(
          { "a", "b", "c" },
          cluster:Pipeline(function(p)
            p:Get("{foo}1"):Get("{foo}2"):Get("{foo}new")
          end)
        )
        assert.are.equal(refreshes, cluster:Stats().refreshes)
        migrate("{foo}2")
        finish()
        local redirections = cluster:Stats().redirections
        assert.are.equal("b", cluster:Get("{foo}2"))
        assert.are.equal("b", cluster:Get("{foo}2"))
        assert.are.equal(redirections + 1, cluster:Stats().redirections)
        tasks.wait("the new map", function()
          return cluster:Stats().refreshes > refreshes
        end)
        assert.are.equal("a", cluster:Get("{foo}1"))
        assert.are.equal(redirections + 1, cluster:Stats().redirections)
      end)
    )

    it(
      "waits on TRYAGAIN until all keys of a command are in one place",
      tasks.spec(function()
        local cluster = open()
        cluster:MSet("{foo}1", "a", "{foo}2", "b")
        begin()
        migrate("{foo}1")
        local waiting = tasks.parked(function()
          return cluster:MGet("{foo}1", "{foo}2")
        end)
        migrate("{foo}2")
        assert.are.same({ "a", "b" }, tasks.finished(waiting)[1])
        finish()
      end)
    )

    it(
      "repairs pipelines and transactions of a slot that has moved",
      tasks.spec(function()
        local cluster = open()
        cluster:MSet("{foo}1", "a", "bar", "b")
        begin()
        migrate("{foo}1")
        finish()
        assert.are.same(
          { "a", "b", "OK", "c" },
          cluster:Pipeline(function(p)
            p:Get("{foo}1"):Get("bar"):Set("{foo}3", "c"):Get("{foo}3")
          end)
        )
        begin, from, to = begin, to, from
        begin()
        migrate("{foo}1", "{foo}3")
        finish()
        assert.are.same(
          { 1 },
          cluster:Multi(function(tx)
            tx:Incr("{foo}n")
          end)
        )
        assert.are.same(
          { "OK" },
          cluster:Watch("{foo}1", function(_, tx)
            tx:Set("{foo}1", "z")
          end)
        )
      end)
    )

    it(
      "has a subscription to a sharded channel follow its slot",
      tasks.spec(function()
        local cluster = open()
        local sub = tasks.own(assert(cluster:Ssubscribe("foo")))
        local refreshes
        tasks.wait("a map that nobody wants anew", function()
          local before = refreshes
          refreshes = cluster:Stats().refreshes
          co.sleep(150)
          return before == refreshes
        end)
        begin()
        finish()
        local message
        tasks.wait("a message from the other node", function()
          to:Cli("SPUBLISH", "foo", "there")
          message = sub:Next(50)
          return message
        end)
        assert.are.equal("there", message.payload)
      end)
    )

    it(
      "reads a stream with a group, and goes on where its slot has gone",
      tasks.spec(function()
        local cluster = open()
        local stream = tasks.own(redis.stream(cluster, "foo", {
          group = "workers",
          consumer = "one",
          block_ms = 100,
        }))
        assert.is_string(stream:Add({ n = 1 }))
        local entry = assert(stream:Read(2000))
        assert.are.equal("1", entry.fields.n)
        assert.are.equal(1, stream:Ack(entry))
        begin()
        assert.are.equal("OK", migrate("foo"))
        finish()
        assert.is_string(stream:Add({ n = 2 }))
        entry = assert(stream:Read(5000))
        assert.are.equal("2", entry.fields.n)
        assert.are.equal(1, stream:Ack(entry))
        cluster:Close()
        assert.are.equal("ESOCKCLOSE", select(3, stream:Read(1000)))
      end)
    )

    it(
      "loses no write of 50 tasks while keys move",
      tasks.spec(function()
        local cluster = open()
        local counts = {}
        begin()
        co.scope(function()
          for i = 1, 50 do
            co.spawn(function()
              counts[i] = 0
              for _ = 1, 20 do
                if cluster:Incr("{foo}" .. i) then
                  counts[i] = counts[i] + 1
                end
              end
            end)
          end
          co.spawn(function()
            for i = 1, 50 do
              migrate("{foo}" .. i)
              co.yield()
            end
            finish()
          end)
        end)
        for i = 1, 50 do
          assert.are.equal(20, counts[i])
          assert.are.equal("20", cluster:Get("{foo}" .. i))
        end
      end)
    )
  end)

  describe("while nodes die", function()
    local function all_run()
      for _, node in ipairs(nodes.nodes) do
        if not node.pid then
          return false
        end
      end
      return true
    end

    --- Writes in 50 tasks until `done()`: what was acknowledged by key; and what codes calls ended
    --- with. `confirmed` are keys that a replica had as well.
    local function write(cluster, done)
      local told = { acknowledged = {}, confirmed = {}, codes = {}, longest = 0, calls = 0 }
      for i = 1, 50 do
        co.spawn(function()
          local n = 0
          while not done() do
            n = n + 1
            local key = ("task%d:%d"):format(i, n)
            local began = sched.now()
            local results, _, code = cluster:Pipeline(function(p)
              p:Set(key, n)
              -- One that nobody will answer would hold up all others.
              if all_run() then
                p:Wait(1, 10)
              end
            end)
            told.calls = told.calls + 1
            told.longest = math.max(told.longest, sched.now() - began)
            if results and results[1] == "OK" then
              told.acknowledged[key] = n
              told.confirmed[key] = results[2] == 1 and n or nil
            else
              code = code or results[1].code
              told.codes[code] = (told.codes[code] or 0) + 1
            end
            co.sleep(1)
          end
        end)
      end
      return told
    end

    --- Codes that a call may end with: the server's, or names of chuck.error.
    local function check_codes(told)
      for code in pairs(told.codes) do
        local is_known = chuck.error[code] or code == "EOF" or code == "CLUSTERDOWN"
        assert.is_truthy(is_known, "a call ended with " .. tostring(code))
      end
    end

    --- Fails unless every key has its value.
    local function check_values(cluster, written)
      local count = 0
      for key, value in pairs(written) do
        local found, message = cluster:Get(key)
        assert.are.equal(tostring(value), found, key .. " is lost: " .. tostring(message))
        count = count + 1
      end
      return count
    end

    --- Kills nodes while tasks write, and has them write on until `slot` is served again.
    local function survive(slot, kill)
      local cluster = open({ timeout_ms = 8000 })
      -- WAIT holds up a connection: what else is asked has one of its own.
      local probe = open({ timeout_ms = 1000 })
      local is_done = false
      local told
      co.scope(function()
        told = write(cluster, function()
          return is_done
        end)
        co.sleep(100)
        kill()
        tasks.wait("the slots to be served again", function()
          local value = probe:Set("{foo}probe", 1)
          return value == "OK" and cluster.nodes:Pick(slot) ~= nil
        end)
        co.sleep(100)
        is_done = true
      end)
      check_codes(told)
      assert.is_true(told.longest < 9000, ("a call took %g ms"):format(told.longest))
      return cluster, told
    end

    it(
      "loses no write that a replica has confirmed when a master is killed",
      tasks.spec(function()
        local victim = nodes:MasterOf(12182)
        local cluster, told = survive(12182, function()
          victim:Kill()
        end)
        assert.is_true(check_values(cluster, told.confirmed) > 50)
        local memory = collectgarbage("count")
        for _ = 1, 3000 do
          cluster:Set("foo", 1)
        end
        collectgarbage()
        collectgarbage()
        assert.is_true(collectgarbage("count") < memory + 500)
        cluster:Close()
        victim:Restart()
        nodes:WaitUp()
      end)
    )

    it(
      "goes on when half of the nodes are killed",
      tasks.spec(function()
        local victim = nodes:MasterOf(12182)
        local killed = {}
        for _, node in ipairs(nodes.nodes) do
          local is_replica = node:Info("role") == "slave"
          if is_replica and node:Info("master_port") ~= tostring(victim.port) then
            killed[#killed + 1] = node
          end
        end
        assert.are.equal(2, #killed)
        killed[3] = victim
        local lives = {}
        for _, slot in ipairs({ 0, 6000 }) do
          local master = nodes:MasterOf(slot)
          lives[master.address] = master ~= victim
        end
        local cluster, told = survive(12182, function()
          for _, node in ipairs(killed) do
            node:Kill()
          end
        end)
        -- What a master has acknowledged that lives is there; what a dead one has, if its replica
        -- had it.
        local map = cluster.nodes.owners
        for key, value in pairs(told.acknowledged) do
          if lives[map[slots.of_key(key)].master.address] then
            told.confirmed[key] = value
          end
        end
        assert.is_true(check_values(cluster, told.confirmed) > 50)
        cluster:Close()
        for _, node in ipairs(killed) do
          node:Restart()
        end
        nodes:WaitUp()
      end)
    )

    it(
      "answers everyone in time when no node is left, and goes on when they are back",
      tasks.spec(function()
        local cluster = open({ timeout_ms = 1000 })
        assert.are.equal("OK", cluster:Set("foo", 1))
        local outcomes = {}
        nodes:Stop()
        local began = sched.now()
        co.scope(function()
          for i = 1, 50 do
            co.spawn(function()
              local value, message, code = cluster:Set("key" .. i, i)
              assert.is_nil(value)
              assert.is_string(message)
              outcomes[#outcomes + 1] = code
            end)
          end
          co.spawn(function()
            local results, _, code = cluster:Pipeline(function(p)
              p:Get("foo"):Get("bar")
            end)
            assert.is_nil(results)
            outcomes[#outcomes + 1] = code
          end)
          co.spawn(function()
            local _, _, code = cluster:MGet("foo", "bar")
            outcomes[#outcomes + 1] = code
          end)
          co.spawn(function()
            local _, _, code = cluster:DbSize()
            outcomes[#outcomes + 1] = code
          end)
        end)
        assert.is_true(sched.now() - began < 2000)
        assert.are.equal(53, #outcomes)
        for _, code in ipairs(outcomes) do
          assert.is_truthy(chuck.error[code] or code == "EOF", code)
        end
        local other = tasks.own(redis.cluster({ nodes = { nodes.nodes[1].address } }))
        local fine, _, code = other:Ready(200)
        assert.is_nil(fine)
        assert.are.equal("ECONNREFUSED", code)
        for _, node in ipairs(nodes.nodes) do
          node:Restart()
        end
        tasks.wait("an answer of the cluster", function()
          return cluster:Set("foo", 1) == "OK"
        end)
        assert.are.equal("1", cluster:Get("foo"))
      end)
    )
  end)
end)
