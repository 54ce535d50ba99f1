--- A client of a real master with two replicas and three sentinels.
local assert = require("luassert")
local chuck = require("chuck")
local sched = require("chuck.co.sched")
local servers = require("spec.helper.redis")
local tasks = require("spec.helper.tasks")

local co, redis = chuck.co, chuck.redis

describe("a client of sentinels", function()
  local trio

  setup(function()
    trio = servers.sentinel()
  end)

  teardown(servers.finish)

  local function addresses()
    local list = {}
    for i, sentinel in ipairs(trio.sentinels) do
      list[i] = sentinel.address
    end
    return list
  end

  local function open(options)
    options = options or {}
    options.name = options.name or trio.name
    options.sentinels = options.sentinels or addresses()
    return tasks.own(redis.sentinel(options))
  end

  it(
    "connects to the master that they name",
    tasks.spec(function()
      local client = open()
      assert.is_true(client:Ready())
      assert.are.equal("master", client:Role()[1])
      assert.are.equal(trio.servers[1].address, client:Stats().place)
      assert.are.equal("OK", client:Set("key", "value"))
      assert.are.equal("value", client:Get("key"))
    end)
  )

  it(
    "connects to a replica when it is told to, and not to the master",
    tasks.spec(function()
      local client = open({ role = "replica" })
      assert.is_true(client:Ready())
      assert.are.equal("slave", client:Role()[1])
      local value, _, code = client:Set("key", "value")
      assert.is_nil(value)
      assert.are.equal("READONLY", code)
      assert.are.equal(1, client:Stats().connects)
    end)
  )

  it(
    "asks the next sentinel when one is dead",
    tasks.spec(function()
      local list = addresses()
      table.insert(list, 1, "127.0.0.1:1")
      list[3] = "redis://" .. list[3]
      list[2] = { host = "127.0.0.1", port = trio.sentinels[1].port }
      assert.is_true(open({ sentinels = list }):Ready())
    end)
  )

  it(
    "tells what sentinels answer, and when there is none",
    tasks.spec(function()
      local value, message, code = open({ name = "other", timeout_ms = 300 }):Get("key")
      assert.is_nil(value)
      assert.is_truthy(message:find("there is no master other", 1, true))
      assert.are.equal("EHOSTUNREACH", code)
      local lonely = open({ sentinels = { "127.0.0.1:1" }, timeout_ms = 300 })
      value, message, code = lonely:Get("key")
      assert.is_string(message)
      assert.is_nil(value)
      assert.are.equal("ECONNREFUSED", code)
    end)
  )

  it(
    "raises at the caller's line for wrong options",
    tasks.spec(function()
      for text, given in pairs({
        ["option name: string expected, got nil"] = { sentinels = { "a:1" } },
        ["option sentinels: list of strings expected, got nil"] = { name = "a" },
        ["option sentinels: host:port or URI expected, got b"] = {
          name = "a",
          sentinels = { "b" },
        },
        ['option role: "master" or "replica" expected, got "x"'] = {
          name = "a",
          sentinels = { "a:1" },
          role = "x",
        },
        ["unknown option nope"] = { nope = 1 },
      }) do
        local fine, problem = co.pcall(function()
          redis.sentinel(given)
        end)
        assert.is_false(fine)
        assert.is_truthy(problem:find(text, 1, true), problem)
        assert.is_truthy(problem:find("redis_sentinel_spec.lua:%d+: "), problem)
      end
    end)
  )

  it(
    "leaves a server that is no master any more",
    tasks.spec(function()
      -- Not the server's own way to end our connection, which a sentinel has it do, but ours.
      local master = trio.servers[1]
      local losses = {}
      local client = open({
        on_disconnect = function(_, _, code)
          losses[#losses + 1] = code
        end,
      })
      assert.are.equal("OK", client:Set("key", "value"))
      master:Cli("CONFIG", "SET", "min-replicas-to-write", "0")
      master:Cli("REPLICAOF", "127.0.0.1", trio.servers[2].port)
      local value, _, code = client:Set("key", "other")
      assert.is_nil(value)
      assert.are.equal("READONLY", code)
      tasks.wait("the end of the connection", function()
        return losses[1] == "ECONNRESET"
      end)
      master:Cli("REPLICAOF", "NO", "ONE")
      assert.are.equal("OK", client:Set("key", "other"))
      assert.are.equal("master", client:Role()[1])
    end)
  )

  it(
    "loses no confirmed write of 50 tasks when the master is killed",
    tasks.spec(function()
      local client = open({ timeout_ms = 8000 })
      assert.is_true(client:Ready())
      -- Sentinels may be at a failover still, for what the spec before has done to the master.
      local old
      tasks.wait("a master with its replicas", function()
        old = trio:Master()
        return old and old.pid and tonumber(old:Info("connected_slaves")) == 2
      end)
      -- By both: Redis does not promise to elect the one of two that has confirmed.
      local confirmed, codes, is_done, longest, count = {}, {}, false, 0, 0
      co.scope(function()
        for i = 1, 50 do
          co.spawn(function()
            local n = 0
            while not is_done do
              n = n + 1
              local key = ("task%d:%d"):format(i, n)
              local began = sched.now()
              local results, _, code = client:Pipeline(function(p)
                p:Set(key, n)
                -- One that nobody will answer would hold up all others.
                if old.pid then
                  p:Wait(2, 10)
                end
              end)
              longest = math.max(longest, sched.now() - began)
              if results and results[2] == 2 then
                confirmed[key] = n
                count = count + 1
              elseif not results then
                codes[code] = true
              end
              co.sleep(1)
            end
          end)
        end
        co.sleep(100)
        old:Kill()
        tasks.wait("another master", function()
          return client:CallWith({ timeout_ms = 8000 }, "SET", "probe", 1) == "OK"
        end)
        co.sleep(100)
        is_done = true
      end)
      assert.is_true(longest < 9000)
      for code in pairs(codes) do
        assert.is_truthy(chuck.error[code] or code == "EOF", code)
      end
      assert.are_not.equal(old.address, client:Stats().place)
      assert.is_true(count > 50)
      for key, value in pairs(confirmed) do
        assert.are.equal(tostring(value), client:Get(key), key .. " is lost")
      end
    end)
  )

  it(
    "ends with its listening",
    tasks.spec(function()
      local client = open()
      client:Ready()
      client:Close()
      client:Close()
      local value, _, code = client:Get("key")
      assert.is_nil(value)
      assert.are.equal("ESOCKCLOSE", code)
      local early = open()
      early:Close()
      assert.is_true(early:IsClosed())
    end)
  )
end)
