--- Replies of Redis as Lua values, from bytes that a fake server sends, however they are cut.
local chuck = require("chuck")

local check = require("spec.helper.check")
local net = require("spec.helper.net")
local threads = require("spec.helper.threads")

local native = require("chuck.native").redis
local redis = chuck.decoder.connection.redis
local null, ERROR = native.null, native.ERROR

--- A value in which null and errors can be compared.
local function plain(value)
  if value == null then
    return "<null>"
  elseif type(value) ~= "table" then
    return value
  elseif getmetatable(value) == ERROR then
    return { code = value.code, error = value.message, text = tostring(value) }
  end
  local copy = {}
  for key, inner in pairs(value) do
    copy[plain(key)] = plain(inner)
  end
  return copy
end

local function err(code, message)
  return { code = code, error = message, text = message }
end

--- An integer that no double holds.
local LARGE = check.has_integers and math.maxinteger or "9223372036854775807"
local LOW = check.has_integers and math.mininteger or "-9223372036854775808"

--- Bytes of a reply, and what becomes of them.
local RECORDED = {
  { "+OK\r\n", "OK" },
  { "+\r\n", "" },
  { "+a\0\255\rb\r\n", "a\0\255\rb" },
  { "-WRONGTYPE Operation\r\n", err("WRONGTYPE", "WRONGTYPE Operation") },
  { "-no capitals\r\n", err("ERR", "no capitals") },
  { "-\r\n", err("ERR", "") },
  { ":0\r\n", 0 },
  { ":-42\r\n", -42 },
  { ":9007199254740992\r\n", 9007199254740992 },
  { ":9223372036854775807\r\n", LARGE },
  { ":-9223372036854775808\r\n", LOW },
  { "$0\r\n\r\n", "" },
  { "$5\r\nhello\r\n", "hello" },
  { "$4\r\n\r\n\r\n\r\n", "\r\n\r\n" },
  { "$-1\r\n", "<null>" },
  { "*-1\r\n", "<null>" },
  { "_\r\n", "<null>" },
  { "*0\r\n", {} },
  { "*3\r\n:1\r\n$-1\r\n-ERR x\r\n", { 1, "<null>", err("ERR", "ERR x") } },
  { "*2\r\n*2\r\n+a\r\n*0\r\n*1\r\n_\r\n", { { "a", {} }, { "<null>" } } },
  { "#t\r\n", true },
  { "#f\r\n", false },
  { ",1.5\r\n", 1.5 },
  { ",-1e300\r\n", -1e300 },
  { ",inf\r\n", math.huge },
  { ",-inf\r\n", -math.huge },
  {
    "(3492890328409238509324850943850943825024385\r\n",
    "3492890328409238509324850943850943825024385",
  },
  { "!21\r\nSYNTAX invalid syntax\r\n", err("SYNTAX", "SYNTAX invalid syntax") },
  { "=15\r\ntxt:Some string\r\n", "Some string" },
  { "=7\r\ncsv:a,b\r\n", "a,b" },
  { "~2\r\n+a\r\n#f\r\n", { "a", false } },
  { "%2\r\n+a\r\n:1\r\n:7\r\n%1\r\n#t\r\n_\r\n", { a = 1, [7] = { [true] = "<null>" } } },
  { "%2\r\n,nan\r\n:1\r\n,1.5\r\n:2\r\n", { nan = 1, [1.5] = 2 } },
  { "%1\r\n_\r\n-ERR x\r\n", { ["<null>"] = err("ERR", "ERR x") } },
  { "%2\r\n+a\r\n:1\r\n+a\r\n:2\r\n", { a = 2 } },
  { "%0\r\n", {} },
  { "|1\r\n+ttl\r\n*1\r\n:3600\r\n*2\r\n:1\r\n|1\r\n+a\r\n+b\r\n:2\r\n", { 1, 2 } },
  { "$?\r\n;4\r\nHell\r\n;6\r\no worl\r\n;1\r\nd\r\n;0\r\n", "Hello world" },
  { "$?\r\n;0\r\n", "" },
  { "*?\r\n:1\r\n$?\r\n;1\r\na\r\n;0\r\n.\r\n", { 1, "a" } },
  { "%?\r\n+a\r\n*?\r\n.\r\n.\r\n", { a = {} } },
}

local GARBAGE = {
  "HTTP/1.1 400 Bad Request\r\n",
  "SSH-2.0-OpenSSH_9.6\r\n",
  "\0\0\0\5hello",
  "+OK\n",
  "$5\nhello\n",
  "$5\r\nhelloworld",
  "$-2\r\n",
  "*-2\r\n",
  ":1.5\r\n",
  ":9223372036854775808\r\n",
  "#x\r\n",
  ",x\r\n",
  "(12a\r\n",
  "=3\r\ntxt\r\n",
  ".\r\n",
  ";0\r\n",
  "*1\r\n>1\r\n:1\r\n",
  "%?\r\n:1\r\n.\r\n",
  "$" .. ("1"):rep(100),
}

local PROMISES = {
  "$4294967296\r\n",
  "$18446744073709551615\r\n",
  "*1000000000\r\n",
  "%500000000\r\n",
  ">1000000000\r\n",
  "$?\r\n;4294967296\r\n",
  ("*1\r\n"):rep(10000),
}

--- A connection with a decoder of replies, the server's end, and what was told.
local function open(world, options, decoder)
  local server, client = world:pair()
  client:RemoveEngine()
  local fds = { world:fd_pair() }
  client = world:connection(fds[1], decoder or redis(options))
  server:Close()
  server = world:connection(fds[2])
  server:Add2Engine(world.engine, net.ignore)
  local told = { values = {}, codes = {}, pushes = {}, count = 0 }
  function told.on_reply(_, value, code, is_push)
    if value == nil then
      told.codes[#told.codes + 1] = code
      return
    end
    assert.are.equal(0, code)
    told.count = told.count + 1
    told.values[told.count] = plain(value)
    told.pushes[told.count] = is_push or false
  end
  return client, server, told
end

describe("decoder.connection.redis", function()
  local world

  before_each(function()
    world = net.open()
  end)

  after_each(function()
    world:close()
  end)

  --- What is told of bytes that arrive in pieces, each read before the next one is sent.
  local function told_of(pieces, options)
    local client, server, told = open(world, options)
    client:Add2Engine(world.engine, told.on_reply)
    local size, before = 0, world.engine:Stats().bytes_in
    for _, piece in ipairs(pieces) do
      server:Send(net.raw(piece))
      size = size + #piece
      world:wait("the bytes", function()
        return #told.codes > 0 or world.engine:Stats().bytes_in - before >= size
      end)
      if #told.codes > 0 then
        break
      end
    end
    client:Close()
    server:Close()
    return told
  end

  local function each_byte(bytes)
    local pieces = {}
    for byte in bytes:gmatch(".") do
      pieces[#pieces + 1] = byte
    end
    return pieces
  end

  it("makes a Lua value of every type", function()
    local bytes, expected = {}, {}
    for n, recorded in ipairs(RECORDED) do
      bytes[n], expected[n] = recorded[1], recorded[2]
      assert.are.same({ recorded[2] }, told_of({ recorded[1] }).values, recorded[1])
    end
    assert.are.same(expected, told_of({ table.concat(bytes) }).values)
    assert.are.same(expected, told_of(each_byte(table.concat(bytes))).values)
  end)

  it("makes the same of what is cut anywhere", function()
    for _, recorded in ipairs(RECORDED) do
      local whole, pieces, expected = recorded[1], {}, {}
      for cut = 1, #whole - 1 do
        pieces[#pieces + 1] = whole:sub(1, cut)
        pieces[#pieces + 1] = whole:sub(cut + 1)
        expected[cut] = recorded[2]
      end
      assert.are.same(expected, told_of(pieces).values, whole)
    end
  end)

  it("keeps integers whole, and NaN", function()
    local client, server, _ = open(world)
    local got
    client:Add2Engine(world.engine, function(_, value)
      got = value
    end)
    server:Send(net.raw("*3\r\n:7\r\n,7\r\n,nan\r\n"))
    world:wait("a reply", function()
      return got
    end)
    assert.is_true(got[3] ~= got[3])
    if check.has_integers then
      assert.are.same({ "integer", "float" }, { math.type(got[1]), math.type(got[2]) })
    end
  end)

  it("tells a push from a reply", function()
    local told =
      told_of({ ">2\r\n+message\r\n+x\r\n*1\r\n:1\r\n|1\r\n+a\r\n+b\r\n>1\r\n+x\r\n+OK\r\n" })
    assert.are.same({ true, false, true, false }, told.pushes)
    assert.are.same({ { "message", "x" }, { 1 }, { "x" }, "OK" }, told.values)
  end)

  it("has one null, which is not to be touched", function()
    assert.are.equal("redis.null", tostring(null))
    assert.are.equal("redis.null", getmetatable(null))
    assert.has_error(function()
      null.x = 1
    end)
  end)

  it("has errors that say what they are however they are treated", function()
    local made = setmetatable({}, ERROR)
    assert.are.equal("redis.error", tostring(made))
    made.message = 5
    assert.are.equal("redis.error", tostring(made))
    assert.are.equal("redis.error", ERROR.__tostring())
    assert.are.equal("redis.error", ERROR.__tostring(5))
  end)

  it("ends with ERDISPERROR, told once, on what is no reply", function()
    for _, garbage in ipairs(GARBAGE) do
      for _, pieces in ipairs({
        { "+OK\r\n" .. garbage .. "+OK\r\n" },
        each_byte("+OK\r\n" .. garbage),
      }) do
        local told = told_of(pieces)
        assert.are.same({ chuck.error.ERDISPERROR }, told.codes, garbage)
        assert.are.same({ "OK" }, told.values, garbage)
      end
    end
  end)

  it("ends with EPKTOOLARGE on a promise, before it is kept", function()
    for _, promise in ipairs(PROMISES) do
      local told = told_of({ promise })
      assert.are.same({ chuck.error.EPKTOOLARGE }, told.codes, promise:sub(1, 40))
      assert.are.same({}, told.values)
    end
  end)

  it("has limits that may be reached", function()
    local limits = {
      { { message = 11 }, "$5\r\nhello\r\n", "$6\r\nhello!\r\n" },
      { { depth = 2 }, "*1\r\n*1\r\n:1\r\n", "*1\r\n*1\r\n*1\r\n:1\r\n" },
      { { depth = 128 }, ("*1\r\n"):rep(128) .. ":1\r\n", ("*1\r\n"):rep(129) .. ":1\r\n" },
      { { elements = 3 }, "*2\r\n:1\r\n:2\r\n", "*3\r\n:1\r\n:2\r\n:3\r\n" },
    }
    for _, limit in ipairs(limits) do
      local told = told_of({ limit[2] .. limit[2] .. limit[3] }, limit[1])
      assert.are.same({ 2, { chuck.error.EPKTOOLARGE } }, { told.count, told.codes })
    end
  end)

  it("is a recipe: one serves any number of connections", function()
    local decoder = redis({ depth = 1 })
    local one, first, told_one = open(world, nil, decoder)
    local two, second, told_two = open(world, nil, decoder)
    one:Add2Engine(world.engine, told_one.on_reply)
    two:Add2Engine(world.engine, told_two.on_reply)
    first:Send(net.raw("$5\r\nhe"))
    world:run(10)
    second:Send(net.raw("+OK\r\n*1\r\n*1\r\n"))
    world:wait("the refusal", function()
      return told_two.codes[1]
    end)
    first:Send(net.raw("llo\r\n"))
    world:wait("the string", function()
      return told_one.count == 1
    end)
    assert.are.same({ { "hello" }, {} }, { told_one.values, told_one.codes })
    assert.are.same({ "OK" }, told_two.values)
  end)

  it("takes options it knows, and blames the caller for others", function()
    local wrong = {
      { { depth = 0 }, "depth: an integer from 1 to 128 expected" },
      { { depth = 129 }, "depth: an integer from 1 to 128 expected" },
      { { message = 0 }, "message: an integer of at least 1 expected" },
      { { elements = "many" }, "elements: an integer of at least 1 expected" },
      { { depths = 1 }, 'unknown option "depths"' },
      { 5, "table expected, got number" },
    }
    for _, case in ipairs(wrong) do
      local fine, message = pcall(redis, case[1])
      assert.is_false(fine)
      assert.is_truthy(message:find(case[2], 1, true), message)
      local _, where = pcall(function()
        redis(case[1])
      end)
      assert.is_truthy(where:find("redis_wire_spec.lua:%d+: bad argument #1"), where)
    end
  end)

  it("hands on a megabyte and 64 of them as they are", function()
    for _, size in ipairs({ 2 ^ 20, 2 ^ 26 }) do
      local value = net.pattern(2 ^ 20):rep(size / 2 ^ 20)
      local client, server = open(world)
      local got
      client:Add2Engine(world.engine, function(_, reply)
        got = reply
      end)
      server:SetHighWater(2 ^ 20, function() end, 2 ^ 27)
      server:Send(net.raw(("$%d\r\n"):format(size)))
      server:Send(net.raw(value))
      server:Send(net.raw("\r\n"))
      world:wait("the value", function()
        return got
      end)
      net.assert_same_bytes(value, got)
      client:Close()
      server:Close()
    end
  end)

  it("takes a list of a million in pieces, in the time of its bytes", function()
    local client, server, _ = open(world)
    local got
    client:Add2Engine(world.engine, function(_, reply)
      got = reply
    end)
    server:Send(net.raw("*1000000\r\n"))
    local piece = net.raw(("$5\r\nhello\r\n"):rep(1000))
    for _ = 1, 1000 do
      server:Send(piece)
      world:run(0)
    end
    world:wait("the list", function()
      return got
    end)
    assert.are.same({ 1000000, "hello", "hello" }, { #got, got[1], got[1000000] })
  end)

  it("lets its callback close, stop, pause and raise", function()
    local calls, actions = 0, {}
    local client, server = open(world)
    actions[1] = function()
      error("raised on purpose", 0)
    end
    actions[2] = function()
      world.engine:Stop()
    end
    actions[3] = function(conn)
      conn:PauseRead()
      world.engine:Post(function()
        assert.are.equal(3, calls)
        conn:ResumeRead()
      end)
    end
    actions[4] = function(conn)
      conn:Send(net.raw("x"))
    end
    actions[5] = function(conn)
      conn:Close()
    end
    client:Add2Engine(world.engine, function(conn, value)
      calls = calls + 1
      assert.are.equal(calls, value)
      actions[calls](conn)
    end)
    world.keeps_errors = true
    server:Send(net.raw(":1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n"))
    world:wait("the end", function()
      return calls == 5
    end)
    world:run(20)
    assert.are.equal(5, calls)
    assert.are.equal("raised on purpose", world:take_errors()[1].err)
  end)

  it("takes what has arrived along to another engine", function()
    local client, server = open(world)
    local other, got = world:new_engine(), {}
    local function collect(_, value)
      got[#got + 1] = value
    end
    client:Add2Engine(world.engine, function(conn, value)
      got[#got + 1] = value
      conn:RemoveEngine()
      conn:Add2Engine(other, collect)
    end)
    server:Send(net.raw(":1\r\n$5\r\nhello\r\n*2\r\n:2\r\n"))
    world:wait("the first", function()
      return #got == 1
    end)
    world:wait("the second", function()
      return #got == 2
    end, other)
    server:Send(net.raw(":3\r\n"))
    world:run(10)
    world:wait("the third", function()
      return #got == 3
    end, other)
    assert.are.same({ 1, "hello", { 2, 3 } }, got)
  end)

  it("takes the part of a reply along to another thread", function()
    local thread = threads.serve([[
      on_mail = function(_, mail)
        mail.conn:Add2Engine(engine, function(conn, value)
          if value then
            conn:Send(chuck.packet.rawpacket(value[1] .. value[2]))
          end
        end)
      end
    ]])
    local client, server = open(world)
    local seen = net.recorder()
    server:RemoveEngine()
    server:Add2Engine(world.engine, seen.on_packet)
    client:Add2Engine(world.engine, function(conn)
      conn:RemoveEngine()
      assert.is_true(chuck.cthread.sendmail(thread, { conn = conn }))
      server:Send(net.raw("lo\r\n"))
    end)
    server:Send(net.raw("+first\r\n*2\r\n+hello \r\n$5\r\nhel"))
    world:wait("the answer", function()
      return seen.text() == "hello hello"
    end)
    threads.finish()
  end)

  it("works as one end of a pipe", function()
    local got, has_ended
    local child = world:own(assert(chuck.process.spawn(world.engine, {
      "printf",
      "*2\\r\\n:1\\r\\n+OK\\r\\n",
      stdout = "pipe",
      decoder = redis(),
    }, function()
      has_ended = true
    end)))
    child:Stdout():Add2Engine(world.engine, function(_, value)
      got = got or value
    end)
    -- Until it has ended it holds descriptors.
    world:wait("the reply", function()
      return got and has_ended
    end)
    assert.are.same({ 1, "OK" }, got)
  end)

  --- Garbage whose finalizers do something, time and again.
  local function litter(what)
    local function drop(n)
      local object
      if rawget(_G, "newproxy") then
        object = rawget(_G, "newproxy")(true)
        getmetatable(object).__gc = function()
          what(n)
        end
      else
        object = setmetatable({}, {
          __gc = function()
            what(n)
          end,
        })
      end
      return object ~= nil
    end
    for n = 1, 50 do
      drop(n)
    end
  end

  --- Runs `work` while the collector is in a hurry.
  local function stressed(work)
    collectgarbage("setpause", 50)
    collectgarbage("setstepmul", 10000)
    collectgarbage() -- when it begins again was decided before
    local fine, message = pcall(work)
    collectgarbage("setpause", 200)
    collectgarbage("setstepmul", 100)
    assert(fine, message)
  end

  it("survives finalizers that use the connection while a reply is made", function()
    stressed(function()
      for round = 1, 5 do
        local client, server = open(world)
        local got, is_closed = 0, false
        client:Add2Engine(world.engine, function()
          got = got + 1
        end)
        litter(function(n)
          native.send(client, "PING")
          client:PauseRead()
          client:ResumeRead()
          if n == round * 10 then
            client:Close()
            is_closed = true
          end
        end)
        server:Send(net.raw(("*3\r\n%1\r\n+key\r\n+value\r\n-ERR x\r\n$3\r\nabc\r\n"):rep(200)))
        world:wait("the replies", function()
          collectgarbage("step")
          return got == 200 or is_closed
        end)
        client:Close()
        server:Close()
      end
    end)
  end)

  it("makes a reply anew when a finalizer raises in between", function()
    local client, server = open(world)
    local got, raised, is_armed = {}, 0, false
    local function raise()
      if is_armed then
        is_armed, raised = false, raised + 1
        error("raised by a finalizer", 0)
      end
    end
    -- Only while a reply is made, between the end of one callback and the next one.
    client:Add2Engine(world.engine, function(_, value)
      is_armed = false
      got[#got + 1] = value[1]
      litter(raise)
      is_armed = value[1] < 20
    end)
    world.keeps_errors = true
    -- In so much of a hurry, Lua 5.2 and 5.3 collect everything each time.
    local size = (_VERSION == "Lua 5.2" or _VERSION == "Lua 5.3") and 100 or 1000
    local replies = {}
    for n = 1, 20 do
      replies[n] = ("*%d\r\n:%d\r\n"):format(size, n) .. ("*1\r\n+abc\r\n"):rep(size - 1)
    end
    local give_up, goal = chuck.systick() + net.DEADLINE, 0
    stressed(function()
      repeat
        goal = goal + 20
        server:Send(net.raw(table.concat(replies)))
        while #got < goal and chuck.systick() < give_up do
          world.engine:Run(1)
          is_armed = false
        end
      until raised > 0 or goal == 400
    end)
    for n = 1, goal do
      assert.are.equal((n - 1) % 20 + 1, got[n])
    end
    -- From Lua 5.4 on such errors are warnings; before, they raise wherever it is.
    local is_warned = _VERSION > "Lua 5.3"
    assert.is_true(is_warned or raised > 0)
    assert.are.equal(is_warned and 0 or raised, #world:take_errors())
  end)
end)
