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
end)
