--- Mail between threads: what arrives, in which order, and what is refused.
local chuck = require("chuck")

local check = require("spec.helper.check")
local net = require("spec.helper.net")
local threads = require("spec.helper.threads")

local cthread, packet = chuck.cthread, chuck.packet

local ECHO = "on_mail = function(from, mail) assert(cthread.sendmail(from, mail, 5000)) end"

local function nothing() end

--- The message of an error that `f` raises.
local function complaint(f, ...)
  local fine, why = pcall(f, ...)
  assert.is_false(fine)
  return why
end

describe("mail", function()
  local engine, echo, got

  before_each(function()
    engine, got = chuck.engine(), { n = 0 }
    assert.is_true(cthread.process_mail(engine, function(from, mail)
      got.n = got.n + 1
      got[got.n] = mail
      got.from = from
    end))
    echo = threads.serve(ECHO)
  end)

  after_each(function()
    threads.finish()
    engine:Close()
  end)

  --- What comes back when `mail` is sent there and back again.
  local function there_and_back(mail)
    local count = got.n + 1
    assert.is_true(cthread.sendmail(echo, mail))
    check.run_until(engine, function()
      return got.n == count
    end)
    return got[count]
  end

  it("tells the callback who has sent it, by the handle that new gave", function()
    there_and_back({})
    assert.is_true(rawequal(echo, got.from))
  end)

  it("keeps every scalar as it is", function()
    local scalars = { true, false, 0, 1, -1, 2.75, 2 ^ 53, 1 / 0, -1 / 0, "", "a\0b", "\255" }
    for _, scalar in ipairs(scalars) do
      local back = there_and_back(scalar)
      assert.are.equal(scalar, back)
      assert.are.equal(
        rawget(math, "type") and math.type(scalar), -- luacheck: ignore
        rawget(math, "type") and math.type(back)
      ) -- luacheck: ignore
    end
    local zero = 0
    assert.are.equal(-1 / 0, 1 / there_and_back(-(zero * 1.5)))
    local nan = there_and_back(0 / 0)
    assert.is_true(nan ~= nan)
  end)

  if check.has_integers then
    it("keeps integers of 64 bits apart from floats", function()
      local texts = { "0x7fffffffffffffff", "-0x7fffffffffffffff - 1", "1 << 53", "3.0" }
      for _, text in ipairs(texts) do
        local number = load("return " .. text)()
        local back = there_and_back({ number, [number] = "key" })
        assert.are.equal(math.type(number), math.type(back[1])) -- luacheck: ignore
        assert.are.equal(number, back[1])
        assert.are.equal("key", back[number])
      end
    end)
  end

  it("may be nil", function()
    there_and_back(nil)
    assert.are.same({ n = 1, from = echo }, got)
  end)

  it("keeps strings of every length", function()
    local piece = net.pattern(997)
    for _, size in ipairs({ 1, 254, 255, 256, 65535, 65536, 3000000 }) do
      local text = piece:rep(math.ceil(size / #piece)):sub(1, size)
      net.assert_same_bytes(text, there_and_back({ text })[1])
    end
  end)

  it("keeps keys of every kind that can be copied", function()
    local mail = { [true] = 1, [false] = 2, [-5] = 3, [2.5] = 4, ["a\0b"] = 5, [""] = 6, [7] = 8 }
    assert.are.same(mail, there_and_back(mail))
  end)

  it("keeps tables in tables, lists with holes, and empty ones", function()
    local users = { { name = "x", tags = { "a" } } }
    local mail = { {}, { { {} } }, { 1, nil, 3, n = 3 }, users = users }
    assert.are.same(mail, there_and_back(mail))
  end)

  it("keeps thousands of entries", function()
    local mail = {}
    for n = 1, 2000 do
      mail[n] = n
      mail["key" .. n] = { n }
    end
    assert.are.same(mail, there_and_back(mail))
  end)

  it("carries what is in a table twice as two", function()
    local shared = { "x" }
    local back = there_and_back({ shared, shared })
    assert.are.same({ { "x" }, { "x" } }, back)
    assert.is_false(rawequal(back[1], back[2]))
  end)

  it("leaves metatables behind, and asks no metamethod", function()
    local never = function()
      error("asked")
    end
    local mail = setmetatable({ 1, x = 2 }, { __index = never, __pairs = never, __len = never })
    local back = there_and_back(mail)
    assert.are.same({ 1, x = 2 }, back)
    assert.is_nil(getmetatable(back))
  end)

  it("carries a table 64 levels deep, and refuses one deeper", function()
    local function nested(depth)
      local inner = {}
      for _ = 2, depth do
        inner = { inner }
      end
      return inner
    end
    assert.are.same(nested(64), there_and_back(nested(64)))
    local why = complaint(cthread.sendmail, echo, nested(65))
    assert.is_truthy(why:find("nested deeper than 64 levels", 1, true), why)
  end)

  it("carries packets, which go on where they were", function()
    local written = packet.wpacket()
    written:WriteStr("first")
    written:WriteU8(7)
    local read = packet.rpacket(written)
    read:ReadStr()
    local raw = packet.rawpacket(("y"):rep(5000))
    local back = there_and_back({ written, read, raw = raw, twice = raw })
    assert.are.equal(7, back[2]:ReadU8())
    assert.are.equal(("y"):rep(5000), back.raw:ReadBin())
    assert.are.equal(("y"):rep(5000), back.twice:ReadBin())
    back[1]:WriteU8(8)
    local whole = packet.rpacket(back[1])
    assert.are.same({ "first", 7, 8 }, { whole:ReadStr(), whole:ReadU8(), whole:ReadU8() })
    -- The sender's own are what they were.
    assert.are.equal(8, #written)
    written:WriteU8(9)
    assert.are.equal(9, #written)
    assert.are.equal(7, read:ReadU8())
  end)

  it("carries messages of HTTP", function()
    local asked = packet.httprequest("PUT", "/a", { Host = "x" }, ("y"):rep(5000))
    local back = there_and_back({ asked, answer = packet.httpresponse(404) })
    assert.are.same(
      { "PUT", "/a", "x" },
      { back[1]:Method(), back[1]:Url(), back[1]:Header("Host") }
    )
    assert.are.equal(("y"):rep(5000), back[1]:Content())
    assert.are.same({ 404, "Not Found" }, { back.answer:Status(), back.answer:Reason() })
    assert.are.equal("PUT", asked:Method())
  end)

  it("carries the handles of threads", function()
    local back = there_and_back({ echo, cthread.self() })
    assert.is_true(rawequal(echo, back[1]))
    assert.is_true(rawequal(cthread.self(), back[2]))
  end)

  it("to oneself arrives like any other", function()
    assert.is_true(cthread.sendmail(cthread.self(), { "to me" }))
    check.run_until(engine, function()
      return got.n == 1
    end)
    assert.are.same({ "to me" }, got[1])
    assert.is_true(rawequal(cthread.self(), got.from))
  end)

  it("arrives in the order of its sender", function()
    local thread = threads.serve([[
      on_mail = function(from, count)
        for n = 1, count do
          assert(cthread.sendmail(from, n, 5000))
        end
      end
    ]])
    cthread.sendmail(thread, 20000)
    check.run_until(engine, function()
      return got.n == 20000
    end)
    for n = 1, 20000 do
      assert(got[n] == n, "out of order")
    end
  end)

  it("of a burst wakes the receiver once", function()
    local _ = engine:Run(0)
    local before = engine:Stats().wakes
    for n = 1, 200 do
      assert.is_true(cthread.sendmail(cthread.self(), n))
    end
    check.run_until(engine, function()
      return got.n == 200
    end)
    assert.are.equal(1, engine:Stats().wakes - before)
  end)

  it("leaves others their turn in a flood", function()
    local ticks = 0
    chuck.RegTimer(engine, 1, function()
      ticks = ticks + 1
    end)
    assert.is_true(cthread.process_mail(engine, function(_, mail)
      got.n = got.n + 1
      cthread.sendmail(cthread.self(), mail)
    end))
    for n = 1, 1000 do
      cthread.sendmail(cthread.self(), n)
    end
    engine:Run(100)
    assert.is_true(ticks >= 5, ticks .. " ticks")
    assert.is_true(got.n > 1000)
  end)
end)

describe("mail that cannot be copied", function()
  local target

  before_each(function()
    target = threads.serve()
  end)
  after_each(threads.finish)

  local function refused(mail)
    return (complaint(cthread.sendmail, target, mail))
  end

  it("raises at the sender's line and names the place", function()
    local line = debug.getinfo(1, "l").currentline + 2
    local _, why = pcall(function()
      cthread.sendmail(target, { users = { 1, 2, { callback = print } } })
    end)
    assert.is_truthy(why:find("cthread_mail_spec.lua:" .. line .. ":", 1, true), why)
    assert.is_truthy(why:find("mail.users[3].callback: a function cannot be sent", 1, true), why)
  end)

  it("names keys of every kind", function()
    local function place(mail)
      return refused(mail):match("%((mail.*): a coroutine cannot be sent")
    end
    local thread = coroutine.create(nothing)
    assert.are.equal("mail", place(thread))
    assert.are.equal("mail[true]", place({ [true] = thread }))
    assert.are.equal("mail[-1.5]", place({ [-1.5] = thread }))
    assert.are.equal('mail["two words"]', place({ ["two words"] = thread }))
    assert.are.equal("mail.a[1][2]", place({ a = { { 0, thread } } }))
  end)

  it("is refused with what it is", function()
    local cycle = {}
    cycle.a = { b = cycle }
    local kinds = {
      ["a function cannot be sent"] = print,
      ["a coroutine cannot be sent"] = coroutine.create(nothing),
      ["a userdata of this kind cannot be sent"] = io.stdout,
      ["mail.a.b: a table that contains itself cannot be sent"] = cycle,
      ["a key that is a table cannot be sent"] = { [{}] = 1 },
      ["a key that is a userdata cannot be sent"] = { [packet.wpacket()] = 1 },
    }
    for words, mail in pairs(kinds) do
      local why = refused(mail)
      assert.is_truthy(why:find(words, 1, true), why)
    end
    local engine = chuck.engine()
    assert.is_truthy(refused(engine):find("a userdata of this kind", 1, true))
    engine:Close()
  end)

  it("is refused when it is larger than 16 MiB", function()
    local large = ("x"):rep(17 * 2 ^ 20)
    for _, mail in ipairs({ large, { large }, { [large] = 1 } }) do
      assert.is_truthy(refused(mail):find("16777216 bytes", 1, true))
    end
    assert.is_truthy(complaint(threads.new, "", large):find("16777216 bytes", 1, true))
  end)

  it("is refused when copies of one table would fill the memory", function()
    local twice = { "x" }
    for _ = 1, 60 do
      twice = { twice, twice }
    end
    assert.is_truthy(refused(twice):find("16777216 bytes", 1, true))
  end)

  it("is refused by new and broadcast as well", function()
    assert.is_truthy(complaint(cthread.broadcast, { print }):find("mail[1]: a function", 1, true))
    assert.is_truthy(complaint(threads.new, "", print):find("argument 1: a function", 1, true))
  end)

  it("has to be there", function()
    for _, why in ipairs({ complaint(cthread.sendmail, target), complaint(cthread.broadcast) }) do
      assert.is_truthy(why:find("mail expected, got no value", 1, true), why)
    end
  end)
end)
