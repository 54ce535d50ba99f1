--- A client of sentinels that say and do what no real ones would.
local assert = require("luassert")
local chuck = require("chuck")
local fake = require("spec.helper.fake_redis")
local sched = require("chuck.co.sched")
local tasks = require("spec.helper.tasks")

local redis = chuck.redis
local bulk, list = fake.bulk, fake.list

describe("a client of sentinels", function()
  --- A server that is sentinel and master at once; `answer(command)` has precedence.
  local function both(answer)
    local server
    server = tasks.own(fake.listen(sched.engine(), function(_, command)
      local bytes = answer(command)
      if bytes then
        return bytes
      elseif command[1] == "SENTINEL" then
        return list(bulk("127.0.0.1"), bulk(tostring(server.port)))
      end
      return command[1] == "ROLE" and list(bulk("master")) or "+OK\r\n"
    end))
    return server
  end

  local function open(server, options)
    options = options or {}
    options.name, options.sentinels = "m", { server.address }
    options.timeout_ms = options.timeout_ms or 2000
    return tasks.own(redis.sentinel(options))
  end

  local ADDRESS = bulk("127.0.0.1")

  it(
    "takes no harm from answers that are none",
    tasks.spec(function()
      for _, word in ipairs({ "SENTINEL", "ROLE" }) do
        for _, role in ipairs({ "master", "replica" }) do
          for _, reply in ipairs({
            "+OK\r\n",
            ":5\r\n",
            "#f\r\n",
            list(),
            list(":5\r\n"),
            list("$-1\r\n", "$-1\r\n"),
            list(ADDRESS, bulk("1.5")),
            list(ADDRESS, bulk(("9"):rep(30))),
            list(list(bulk("flags"), ":1\r\n")),
            list(list(",nan\r\n", ":1\r\n")),
            list(list(bulk("flags"), list(), bulk("ip"), ":5\r\n", bulk("port"), bulk("1.5"))),
          }) do
            local server = both(function(command)
              return command[1] == word and reply
            end)
            local client = open(server, { role = role })
            local fine, message, code = client:Ready(10)
            assert.is_nil(fine)
            assert.is_string(message)
            assert.is_string(code)
            client:Close()
          end
        end
      end
    end)
  )

  it(
    "stays where it is when it is told of a switch to nowhere",
    tasks.spec(function()
      local server = both(function(command)
        return command[1] == "SUBSCRIBE"
          and list(bulk("message"), bulk(command[2]), bulk("m 1 2 127.0.0.1 " .. ("9"):rep(30)))
      end)
      local client = open(server)
      assert.are.equal("OK", client:Set("foo", 1))
      tasks.wait("the listening", function()
        for _, peer in ipairs(server.peers) do
          for _, command in ipairs(peer.commands) do
            if command[1] == "SUBSCRIBE" then
              return true
            end
          end
        end
      end)
      assert.are.equal("OK", client:Set("foo", 1))
      assert.are.equal(0, client:Stats().losses)
    end)
  )

  it(
    "listens to the next sentinel when one has fallen silent",
    tasks.spec(function()
      local function subscribed(server)
        for _, peer in ipairs(server.peers) do
          for _, command in ipairs(peer.commands) do
            if command[1] == "SUBSCRIBE" then
              return peer
            end
          end
        end
      end
      local silent = both(function(command)
        -- PING as well: what is queued behind stays unheard.
        return (command[1] == "SUBSCRIBE" or command[1] == "PING") and {}
      end)
      local other = both(function(command)
        return command[1] == "PING" and "+PONG\r\n"
      end)
      local client = tasks.own(redis.sentinel({
        name = "m",
        sentinels = { silent.address, other.address },
        heartbeat_ms = 60,
      }))
      assert.is_true(client:Ready())
      tasks.wait("the other sentinel to be listened to", function()
        return subscribed(other)
      end)
      local peer = subscribed(other)
      tasks.wait("some heartbeats", function()
        return #peer.commands > 5
      end)
      assert.is_false(peer.is_left)
    end)
  )
end)
