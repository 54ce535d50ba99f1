--- Commands of Redis through the native module, and what a real server answers.
local chuck = require("chuck")

local Pool = require("spec.helper.pool")
local check = require("spec.helper.check")
local net = require("spec.helper.net")
local servers = require("spec.helper.redis")

local native = require("chuck.native").redis
local send, encode, slot = native.send, native.encode, native.slot
local redis = chuck.decoder.connection.redis
local null, ERROR = native.null, native.ERROR

--- A list of strings as a command.
local function command(...)
  local parts = { "*" .. select("#", ...) .. "\r\n" }
  for _, word in ipairs({ ... }) do
    parts[#parts + 1] = "$" .. #word .. "\r\n" .. word .. "\r\n"
  end
  return table.concat(parts)
end

--- What is taken: arguments, and the words that they become.
local TAKEN = {
  { { "PING" }, { "PING" } },
  { { "SET", "a\0\r\nb", "" }, { "SET", "a\0\r\nb", "" } },
  { { "x", 1, -12, 0 }, { "x", "1", "-12", "0" } },
  { { "x", 1.0, 2 ^ 53, -2 ^ 53 }, { "x", "1", "9007199254740992", "-9007199254740992" } },
  { { "x", 0.1, 1.5, -1e300, 2 ^ 63 }, { "x", "0.1", "1.5", "-1e300", "9.223372036854776e18" } },
  { { "x", math.huge, -math.huge }, { "x", "inf", "-inf" } },
  { { "x", { "a", 2, 3.5 } }, { "x", "a", "2", "3.5" } },
  { { { "GET", "a" } }, { "GET", "a" } },
  { { "x", {}, "y" }, { "x", "y" } },
  { { "HSET", "h", { field = 1.5 } }, { "HSET", "h", "field", "1.5" } },
  { { "HSET", "h", { [7] = "seven" } }, { "HSET", "h", "7", "seven" } },
  { { chuck.packet.rawpacket("GET"), { chuck.packet.rawpacket("a") } }, { "GET", "a" } },
  { { "SET", ("k"):rep(2000), ("v"):rep(100000) }, { "SET", ("k"):rep(2000), ("v"):rep(100000) } },
  { { "x", { ("v"):rep(5000), "y" }, 7 }, { "x", ("v"):rep(5000), "y", "7" } },
}

local MIXED = "list expected, got a table with key 1 that has holes or other keys"

--- What is not: arguments, the place of the wrong one, and the complaint.
local REFUSED = {
  { {}, 1, "name of a command expected, got nothing" },
  { { {} }, 1, "name of a command expected, got nothing" },
  { { true }, 1, "string or number expected, got boolean" },
  { { "x", "y", print }, 3, "string or number expected, got function" },
  { { "x", { "y", false } }, 2, "in a list: string or number expected, got boolean" },
  { { "x", { {} } }, 2, "in a list: string or number expected, got table" },
  { { "x", { k = {} } }, 2, "as a value of a table: string or number expected, got table" },
  { { "x", { [true] = 1 } }, 2, "as a key of a table: string or number expected, got boolean" },
  { { "x", { "a", nil, "c" } }, 2, MIXED },
  { { "x", { "a", field = 1 } }, 2, MIXED },
  { { "x", { n = 2, "a", "b" } }, 2, MIXED },
  { { { "GET", "a", n = 2 } }, 1, MIXED },
  { { "x", null }, 2, "string or number expected, got userdata" },
  { { "x", chuck.packet.wpacket() }, 2, "string or number expected, got userdata" },
}

describe("redis.encode", function()
  it("makes bytes of whatever a command may have", function()
    for _, taken in ipairs(TAKEN) do
      assert.are.equal(command(check.unpack(taken[2])), encode(check.unpack(taken[1])))
    end
  end)

  it("writes integers of 64 bits, NaN and the smallest number", function()
    if check.has_integers then
      local expected = command("x", "9223372036854775807", "-9223372036854775808")
      assert.are.equal(expected, encode("x", math.maxinteger, math.mininteger))
    end
    assert.are.equal(command("x", "nan"), encode("x", 0 / 0))
    assert.are.equal(command("x", "5e-324"), encode("x", 5e-324))
  end)

  it("says which argument is wrong, and how", function()
    for _, refused in ipairs(REFUSED) do
      local got = { encode(check.unpack(refused[1])) }
      assert.are.same({ false, refused[2], refused[3] }, got)
    end
    assert.are.same({ false, 2, "string or number expected, got nil" }, { encode("x", nil, "y") })
  end)

  it("looks past metamethods", function()
    local odd = setmetatable({ "a" }, {
      __index = error,
      __len = error,
      __pairs = error,
    })
    assert.are.equal(command("x", "a"), encode("x", odd))
  end)

  it("takes thousands of arguments", function()
    local words = {}
    for n = 1, 100000 do
      words[n] = tostring(n)
    end
    local whole = encode("x", words)
    assert.are.equal("*100001\r\n$1\r\nx\r\n$1\r\n1\r\n", whole:sub(1, 23))
    assert.are.equal("$6\r\n100000\r\n", whole:sub(-12))
  end)

  it("takes or refuses anything that a caller could hand over", function()
    local pool = Pool.new()
    for _, name in ipairs(pool.names) do
      local value = pool.values[name]
      for _, got in ipairs({ { encode(value) }, { encode("x", { value }) } }) do
        assert.is_true(type(got[1]) == "string" or (got[1] == false and #got == 3), name)
      end
      local fine, message = pcall(slot, value)
      assert.is_true(fine or message:find("string or number expected", 1, true) ~= nil, name)
      if not name:find("connection") then
        fine, message = pcall(send, value, "PING")
        assert.is_true(not fine and message:find("bad argument #1") ~= nil, name)
      end
    end
    pool:Close()
  end)
end)

describe("redis.slot", function()
  it("is what a cluster says", function()
    local slots = {
      [""] = 0,
      ["123456789"] = 12739,
      foo = 12182,
      ["foo{123456789}bar"] = 12739,
      ["foo{}{bar}"] = 8363,
      ["foo{{bar}}zap"] = 4015,
      ["foo{bar}{zap}"] = 5061,
      ["{"] = 4092,
      ["a{"] = 14311,
      ["}{"] = 12793,
    }
    for key, expected in pairs(slots) do
      assert.are.equal(expected, slot(key))
    end
    assert.are.equal(slot("12"), slot(12))
    assert.are.equal(slot("1.5"), slot(1.5))
  end)

  it("blames the caller for anything else", function()
    local fine, message = pcall(function()
      slot({})
    end)
    assert.is_false(fine)
    assert.is_truthy(message:find("redis_send_spec.lua:%d+: bad argument #1 to 'slot'"), message)
  end)
end)

describe("redis.send", function()
  local world, client, server, seen

  before_each(function()
    world = net.open()
    client, server = world:pair()
    seen = net.recorder()
    client:Add2Engine(world.engine, net.ignore)
    server:Add2Engine(world.engine, seen.on_packet)
  end)

  after_each(function()
    world:close()
  end)

  local function arrived(bytes)
    world:wait("the bytes", function()
      return seen.size >= #bytes
    end)
    net.assert_same_bytes(bytes, seen.text())
  end

  it("queues what encode makes, in order", function()
    local expected = {}
    for n, taken in ipairs(TAKEN) do
      assert.is_true(send(client, check.unpack(taken[1])))
      expected[n] = command(check.unpack(taken[2]))
    end
    arrived(table.concat(expected))
  end)

  it("sends what a pass has queued by one write", function()
    for _ = 1, 100 do
      send(client, "SET", "key", "value")
    end
    local whole = command("SET", "key", "value"):rep(100)
    assert.are.equal(#whole, client:QueuedBytes())
    arrived(whole)
    assert.are.equal(1, #seen.packets)
  end)

  it("queues nothing of what is wrong", function()
    for _, refused in ipairs(REFUSED) do
      local got = { send(client, check.unpack(refused[1])) }
      assert.are.same({ false, refused[2], refused[3] }, got)
    end
    assert.are.equal(0, client:QueuedBytes())
  end)

  it("is refused beyond the limit of the queue, whole", function()
    client:SetHighWater(100, nil, 200)
    assert.is_true(send(client, "SET", ("x"):rep(100)))
    local queued = client:QueuedBytes()
    local value, message, code = send(client, "SET", ("x"):rep(100))
    assert.are.same({ "ENOBUFS", "string" }, { code, type(message) })
    assert.is_nil(value)
    assert.are.same({ nil, "ENOBUFS" }, { nil, select(3, send(client, ("x"):rep(5000))) })
    assert.are.equal(queued, client:QueuedBytes())
  end)

  it("is refused once the connection is closed", function()
    client:Close()
    local value, _, code = send(client, "PING")
    assert.is_nil(value)
    assert.are.equal("ESOCKCLOSE", code)
    local refused, place = send(client, "PING", true)
    assert.are.same({ false, 2 }, { refused, place })
  end)

  it("works before there is an engine, and after", function()
    client:RemoveEngine()
    assert.is_true(send(client, "PING"))
    client:Add2Engine(world.engine, net.ignore)
    arrived(command("PING"))
  end)

  it("blames the caller for what is no connection", function()
    local fine, message = pcall(function()
      send("PING")
    end)
    assert.is_false(fine)
    local expected = "redis_send_spec.lua:%d+: bad argument #1 to 'send' %(connection expected"
    assert.is_truthy(message:find(expected), message)
  end)

  it("copies large values once, and keeps them though Lua lets go", function()
    local expected = {}
    for n = 1, 20 do
      local value = tostring(n):rep(50000)
      expected[n] = command("SET", "k", value, "x")
      assert.is_true(send(client, "SET", "k", value, "x"))
      collectgarbage()
    end
    arrived(table.concat(expected))
  end)
end)

--- A value in which null and errors can be compared.
local function plain(value)
  if value == null then
    return "<null>"
  elseif type(value) ~= "table" then
    return value
  elseif getmetatable(value) == ERROR then
    return { code = value.code, error = value.message }
  end
  local copy = {}
  for key, inner in pairs(value) do
    copy[plain(key)] = plain(inner)
  end
  return copy
end

describe("a real server", function()
  local world, server, client, told

  teardown(servers.finish)

  after_each(function()
    world:close()
  end)

  before_each(function()
    world = net.open()
    server = servers.shared()
    told = { values = {}, pushes = {}, count = 0 }
    client = nil
    chuck.dial(world.engine, server.address, 5000, function(conn, message)
      client = world:own(assert(conn, message))
      conn:Add2Engine(world.engine, function(_, value, _, is_push)
        told.count = told.count + 1
        told.values[told.count] = plain(value)
        told.pushes[told.count] = is_push or false
      end)
    end, { decoder = redis() })
    world:wait("a connection", function()
      return client
    end)
  end)

  --- What comes of commands that leave together.
  local function replies(...)
    local commands = { ... }
    local goal = told.count + #commands
    for _, words in ipairs(commands) do
      assert.is_true(send(client, check.unpack(words)))
    end
    world:wait("the replies", function()
      return told.count >= goal
    end)
    return check.unpack(told.values, goal - #commands + 1, goal)
  end

  it("answers commands that leave together in their order", function()
    local got =
      { replies({ "SET", "a", 1 }, { "GET", "a" }, { "INCR", "a" }, { "MGET", "x", "a" }) }
    assert.are.same({ "OK", "1", 2, { "<null>", "2" } }, got)
  end)

  it("hands on every type that it can be asked for", function()
    for _, protocol in ipairs({ 2, 3 }) do
      local hello = replies({ "HELLO", protocol })
      assert.is_table(hello)
      assert.are.equal(protocol == 3 and protocol or nil, hello.proto)
      local flat = replies({ "HSET", "h", { a = 1 } }, { "HGETALL", "h" })
      assert.are.equal(protocol == 2 and 1 or 0, flat)
      local hash = replies({ "HGETALL", "h" })
      assert.are.same(protocol == 2 and { "a", "1" } or { a = "1" }, hash)
      local _, score = replies({ "ZADD", "z", 1.5, "m" }, { "ZSCORE", "z", "m" })
      assert.are.equal(protocol == 2 and "1.5" or 1.5, score)
      assert.are.equal("ERR", (replies({ "NONSENSE" })).code)
      assert.are.equal("WRONGTYPE", (replies({ "INCR", "h" })).code)
      local script = "return { 1, false, 'x', { err = 'MY own' }, { 2, {} } }"
      local nested = replies({ "EVAL", script, 0 })
      assert.are.same({ 1, "<null>", "x", { code = "MY", error = "MY own" }, { 2, {} } }, nested)
    end
  end)

  it("tells pushes in between", function()
    replies({ "HELLO", 3 }, { "SUBSCRIBE", "news" })
    replies({ "PUBLISH", "news", "x" }, { "PING" })
    local pushed = {}
    for n = 1, told.count do
      if told.pushes[n] then
        pushed[#pushed + 1] = told.values[n]
      end
    end
    assert.are.same({ { "subscribe", "news", 1 }, { "message", "news", "x" } }, pushed)
  end)

  it("brings back a megabyte and 64 of them", function()
    for _, size in ipairs({ 2 ^ 20, 2 ^ 26 - 100 }) do
      local value = net.pattern(2 ^ 20):rep(64):sub(1, size)
      client:SetHighWater(2 ^ 20, function() end, 2 ^ 27)
      local stored, got = replies({ "SET", "big", value }, { "GET", "big" })
      assert.are.equal("OK", stored)
      net.assert_same_bytes(value, got)
    end
  end)
end)
