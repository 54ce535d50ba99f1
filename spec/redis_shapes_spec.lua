--- A reply of RESP2 in its shape is the reply of RESP3: a real server is asked in both.
local chuck = require("chuck")
local commands = require("chuck.redis.commands")
local servers = require("spec.helper.redis")
local shapes = require("chuck.redis.shapes")
local tasks = require("spec.helper.tasks")

local redis = chuck.redis

--- Before each question the keys are the same.
local KEYS = [[
  redis.call("FLUSHALL")
  redis.call("HSET", "h", "a", "1", "b", "2.5")
  redis.call("ZADD", "z", "1", "a", "2.5", "b", "3", "c")
  redis.call("ZADD", "z2", "1", "a", "4", "withscores")
  redis.call("SET", "s1", "ohmytext")
  redis.call("SET", "s2", "mynewtext")
  redis.call("RPUSH", "l", "a", "b", "c")
  redis.call("GEOADD", "g", "13.4", "38.1", "Palermo", "15.1", "37.5", "Catania")
  redis.call("XADD", "x", "1-1", "f", "v")
  redis.call("XADD", "x", "2-1", "f", "v", "f2", "v2")
  redis.call("XGROUP", "CREATE", "x", "readers", "0")
]]

--- What is asked, without the words of a command that stand before it.
local QUESTIONS = {
  ["ACL GETUSER"] = { { "default" }, { "nobody" }, { "alice" } },
  ["BZMPOP"] = { { 1, 1, "z", "MIN", "COUNT", 2 } },
  ["BZPOPMAX"] = { { "z", 1 } },
  ["BZPOPMIN"] = { { "z", 1 } },
  ["CLIENT TRACKINGINFO"] = { {} },
  ["COMMAND DOCS"] = { { "get", "xread", "client" } },
  ["COMMAND INFO"] = { { "get", "nothing", "client" } },
  ["CONFIG GET"] = { { "save" }, { "nothing" } },
  ["FUNCTION LIST"] = { {}, { "WITHCODE" } },
  ["FUNCTION STATS"] = { {} },
  ["GEOPOS"] = { { "g", "Palermo", "nowhere" } },
  ["GEORADIUS"] = { { "g", 15, 37, 200, "km", "WITHDIST", "WITHCOORD", "WITHHASH" } },
  ["GEORADIUSBYMEMBER"] = { { "g", "Palermo", 200, "km", "WITHCOORD" } },
  ["GEORADIUSBYMEMBER_RO"] = { { "g", "Palermo", 200, "km" } },
  ["GEORADIUS_RO"] = { { "g", 15, 37, 200, "km", "WITHCOORD" } },
  ["GEOSEARCH"] = { { "g", "FROMMEMBER", "Palermo", "BYRADIUS", 200, "km", "WITHCOORD" } },
  ["HGETALL"] = { { "h" }, { "nothing" }, { "l" } },
  ["HRANDFIELD"] = { { "h", 2 }, { "h", 2, "WITHVALUES" }, { "nothing", 1, "withvalues" } },
  ["LATENCY HISTOGRAM"] = { { "config|resetstat" } },
  ["LCS"] = { { "s1", "s2" }, { "s1", "s2", "LEN" }, { "s1", "s2", "IDX", "WITHMATCHLEN" } },
  ["MODULE LIST"] = { {} },
  ["XINFO CONSUMERS"] = { { "x", "readers" } },
  ["XINFO GROUPS"] = { { "x" } },
  ["XINFO STREAM"] = { { "x" }, { "x", "FULL" }, { "nothing" } },
  ["XREAD"] = { { "COUNT", 1, "STREAMS", "x", 0 }, { "STREAMS", "x", 9 } },
  ["XREADGROUP"] = { { "GROUP", "readers", "one", "STREAMS", "x", ">" } },
  ["ZADD"] = { { "z", 1, "d" }, { "z", "INCR", 1, "a" }, { "z", "NX", "INCR", 1, "a" } },
  ["ZDIFF"] = { { 2, "z", "z2", "WITHSCORES" } },
  ["ZINCRBY"] = { { "z", 0.5, "a" } },
  ["ZINTER"] = { { 2, "z", "z2", "WITHSCORES" } },
  ["ZMPOP"] = { { 1, "z", "MIN", "COUNT", 2 }, { 1, "nothing", "MIN" } },
  ["ZMSCORE"] = { { "z", "a", "nobody" } },
  ["ZPOPMAX"] = { { "z" }, { "z", 1 }, { "nothing" } },
  ["ZPOPMIN"] = { { "z" }, { "z", 2 }, { "nothing", 1 } },
  ["ZRANDMEMBER"] = { { "z2", 2 }, { "z", 3, "WITHSCORES" } },
  ["ZRANGE"] = { { "z2", 0, -1 }, { "z", 0, -1, "withscores" }, { "nothing", 0, 1 } },
  ["ZRANGEBYSCORE"] = { { "z", 0, 9, "WITHSCORES", "LIMIT", 0, 1 }, { "z", 0, 9 } },
  ["ZREVRANGE"] = { { "z", 0, -1, "WITHSCORES" } },
  ["ZREVRANGEBYSCORE"] = { { "z", 9, 0, "WITHSCORES" } },
  ["ZSCORE"] = { { "z", "b" }, { "z", "nobody" } },
  ["ZUNION"] = { { 2, "z", "z2", "WITHSCORES" }, { 1, "z2" } },
}

--- What is different each time: looked at one by one below.
local MOVING = {
  ["ACL LOG"] = true,
  ["CLUSTER LINKS"] = true,
  ["CLUSTER SHARDS"] = true,
  ["CLUSTER SLOTS"] = true,
  ["COMMAND"] = true,
  ["HELLO"] = true,
  ["MEMORY STATS"] = true,
}

describe("a reply of RESP2 in its shape", function()
  local server

  setup(function()
    server = servers.server({ users = { "alice on >pw ~a:* +@all (%R~b:* +get)" } })
    local code = "#!lua name=lib\nredis.register_function('f', function() return 1 end)"
    server:Cli("FUNCTION", "LOAD", code)
    server:Cli("CONFIG", "RESETSTAT")
  end)

  teardown(servers.finish)

  local function unpacked(list)
    return (table.unpack or rawget(_G, "unpack"))(list, 1, #list)
  end

  --- Times of XINFO and the order of maps differ from question to question.
  local function still(value)
    if type(value) == "table" then
      for key, item in pairs(value) do
        if type(key) == "string" and (key:find("time") or key == "idle") then
          value[key] = "a time"
        else
          still(item)
        end
      end
    end
    return value
  end

  local function by_first(a, b)
    return tostring(type(a) == "table" and a[1] or a) < tostring(type(b) == "table" and b[1] or b)
  end

  --- What a client that speaks this version of the protocol says to a question.
  local function ask(protocol, spec, arguments)
    server:Cli("EVAL", KEYS, 0)
    local client = tasks.own(redis.client({ path = server.path, protocol = protocol }))
    local outcome = { client[spec.method](client, unpacked(arguments)) }
    client:Close()
    return outcome
  end

  for name, questions in pairs(QUESTIONS) do
    it(
      "is that of RESP3: " .. name,
      tasks.spec(function()
        for _, arguments in ipairs(questions) do
          local shaped = ask(2, commands.specs[name], arguments)
          local expected = ask(3, commands.specs[name], arguments)
          if name:find("RAND") then
            table.sort(shaped[1], by_first)
            table.sort(expected[1], by_first)
          end
          assert.are.same(still(expected), still(shaped))
        end
      end)
    )
  end

  it("is looked at for every command that has one", function()
    for name, spec in pairs(commands.specs) do
      local is_asked = QUESTIONS[name] ~= nil or MOVING[name] ~= nil
      assert.are.equal(spec.shape ~= false, is_asked, name)
    end
  end)

  local function give(name, value, ...)
    return shapes.give(commands.specs[name], value, ...)
  end

  it("has maps inside of lists, and numbers where they are", function()
    local log = give("ACL LOG", { { "count", 1, "age-seconds", "0.5" } })
    assert.are.same({ { count = 1, ["age-seconds"] = 0.5 } }, log)
    local links = give("CLUSTER LINKS", { { "direction", "to", "events", "r" } })
    assert.are.same({ { direction = "to", events = "r" } }, links)
    local shards = give("CLUSTER SHARDS", { { "slots", { 0, 9 }, "nodes", { { "id", "a" } } } })
    assert.are.same({ { slots = { 0, 9 }, nodes = { { id = "a" } } } }, shards)
    local slots = give("CLUSTER SLOTS", { { 0, 9, { "127.0.0.1", 1, "id", { "hostname", "a" } } } })
    assert.are.same({ { 0, 9, { "127.0.0.1", 1, "id", { hostname = "a" } } } }, slots)
    local hello = give("HELLO", { "proto", 2, "modules", { { "name", "a" } } })
    assert.are.same({ proto = 2, modules = { { name = "a" } } }, hello)
    local histogram = { "get", { "calls", 3, "histogram_usec", { 4, 2, 8, 3 } } }
    local shaped = give("LATENCY HISTOGRAM", histogram)
    assert.are.same({ get = { calls = 3, histogram_usec = { [4] = 2, [8] = 3 } } }, shaped)
    local memory = give("MEMORY STATS", { "a", 1, "db.0", { "b", 2 }, "peak.percentage", "1.5" })
    assert.are.same({ a = 1, ["db.0"] = { b = 2 }, ["peak.percentage"] = 1.5 }, memory)
  end)

  it("has infinite numbers, and one that is none", function()
    assert.are.equal(math.huge, give("ZSCORE", "inf"))
    assert.are.equal(-math.huge, give("ZSCORE", "-inf"))
    local nan = give("ZSCORE", "nan")
    assert.are_not.equal(nan, nan)
    assert.are.equal("1.5 m", give("ZSCORE", "1.5 m"))
  end)

  it("takes no key for an option, and finds options in lists", function()
    local flat = { "a", "1" }
    assert.are.equal(flat, give("ZUNION", flat, 1, "WITHSCORES"))
    assert.are.equal(flat, give("ZRANGE", flat, "WITHSCORES", 0, -1))
    assert.are.same({ { "a", 1 } }, give("ZUNION", { "a", "1" }, 1, { "WITHSCORES" }, "withscores"))
    assert.are.same({ { "a", 1 } }, give("ZRANGE", { "a", "1" }, { "z", 0, -1, "WITHSCORES" }))
  end)

  it("is nothing else for what is no list: null, an error", function()
    local null = setmetatable({}, { __tostring = tostring })
    for name, spec in pairs(commands.specs) do
      if spec.shape then
        assert.are.equal(null, give(name, null, "a", "b", "c"), name)
        assert.are.equal(7, give(name, 7, "a", "b", "c"), name)
      end
    end
  end)

  it("is something, and never an error, for lists that a shape does not expect", function()
    local null = setmetatable({}, { __tostring = tostring })
    local function list(depth, item)
      return depth == 0 and item or { list(depth - 1, item), item, list(depth - 1, item) }
    end
    for name, spec in pairs(commands.specs) do
      for depth = 1, spec.shape and 5 or 0 do
        for _, item in ipairs({ 7, "x", null, true }) do
          assert.is_table(give(name, list(depth, item), "a", 1, "FULL", "WITHSCORES", "3"), name)
          assert.is_table(give(name, { list(depth - 1, item), {} }, "a"), name)
        end
      end
    end
  end)
end)
