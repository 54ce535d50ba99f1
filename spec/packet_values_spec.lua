--- Lists of values in packets: exactly as they are, or not at all.
local chuck = require("chuck")

local check = require("spec.helper.check")

local packet = chuck.packet
local unpack = check.unpack

local function list(...)
  return { n = select("#", ...), ... }
end

local function back(bits, ...)
  local made = packet.wpacket(64, bits)
  made:WriteValues(...)
  local reader = packet.rpacket(made)
  local got = list(reader:ReadValues())
  assert.are.equal(0, reader:Remaining())
  return got
end

local function bytes(...)
  local made = packet.wpacket()
  made:WriteValues(...)
  return check.hex(check.bytes_of(made)):sub(7)
end

describe("a list of values", function()
  it("is read as it was written, nil among it, at both widths", function()
    for _, bits in ipairs({ 16, 32 }) do
      assert.are.same({ n = 1, 0 }, back(bits))
      assert.are.same({ n = 2, 1 }, back(bits, nil))
      assert.are.same({ n = 6, 5, nil, 1, nil, "x\0", nil }, back(bits, nil, 1, nil, "x\0", nil))
      local table_of_all = { 1, "", false, 1.5, { { x = true } }, [7] = -7 }
      assert.are.same({ n = 4, 3, table_of_all, {}, true }, back(bits, table_of_all, {}, true))
      local text = ("y"):rep(60000)
      assert.are.same({ n = 2, 1, text }, back(bits, text))
    end
  end)

  it("has the bytes that the page says", function()
    assert.are.equal("00 00", bytes())
    assert.are.equal("00 03 00 03 01 02 00 02 68 69", bytes(nil, true, "hi"))
    assert.are.equal("00 04 05 01 09 00 09 ff 06 01 2c", bytes(1, 0, -1, 300))
    assert.are.equal("00 03 0a ff 00 0b ff fe 00 00 09 80", bytes(-256, -131072, -128))
    assert.are.equal("00 01 04 00 00 00 00 00 00 f8 3f", bytes(1.5))
    assert.are.equal("00 01 01 00 00 00 01 05 01 03 00", bytes({ false }))
  end)

  it("keeps what kind of number it is, where Lua knows", function()
    if not check.has_integers then
      return
    end
    for _, n in ipairs({ 0, 1.0, -0.0, 2 ^ 53, math.maxinteger, math.mininteger, 1e300 }) do
      local got = back(32, n, { n })
      assert.are.equal(math.type(n), math.type(got[2]))
      assert.are.equal(math.type(n), math.type(got[3][1]))
      assert.are.equal(("%.17g"):format(n), ("%.17g"):format(got[2]))
    end
    local nan = back(32, 0 / 0)[2]
    assert.is_true(nan ~= nan)
  end)

  it("stands among other fields", function()
    local made = packet.wpacket()
    made:WriteU8(7)
    made:WriteValues("a", nil)
    made:WriteStr("end")
    local reader = packet.rpacket(made)
    assert.are.equal(7, reader:ReadU8())
    assert.are.same({ n = 3, 2, "a" }, list(reader:ReadValues()))
    assert.are.equal("end", reader:ReadStr())
  end)

  it("raises for what cannot be sent and leaves the packet as it was", function()
    local made = packet.wpacket()
    made:WriteU8(1)
    local loop = {}
    loop.loop = loop
    local wrong = {
      { "#1 .*a function cannot be sent", print },
      { "#3 .*a userdata cannot be sent", 1, nil, io.stdout },
      { "#1 .*a coroutine cannot be sent", coroutine.create(function() end) },
      { "#2 .*a table with a function in it", 1, { { print } } },
      { "#1 .*a table with a boolean as a key in it", { [true] = 1 } },
      { "#1 .*a table with a table as a key in it", { [{}] = 1 } },
      { "nested deeper than 64 levels", loop },
      { "limit is 65533", ("x"):rep(70000) },
      { "limit is 65533", ("x"):rep(40000), ("x"):rep(40000) },
    }
    for _, case in ipairs(wrong) do
      local args = list(unpack(case, 2, 5))
      local fine, why = pcall(function()
        made:WriteValues(unpack(args, 1, args.n))
      end)
      assert.is_false(fine)
      assert.matches("^spec/packet_values_spec.lua:%d+: ", why)
      assert.matches(case[1], why)
      assert.are.equal(1, #made)
    end
  end)

  it("has 4000 values at the most", function()
    local many = {}
    for i = 1, 4000 do
      many[i] = i
    end
    assert.are.same({ n = 4001, 4000, unpack(many) }, back(32, unpack(many)))
    many[4001] = 1
    local made = packet.wpacket(64, 32)
    assert.has_error(function()
      made:WriteValues(unpack(many))
    end, "4001 values, limit is 4000")
  end)

  it("is none when it is cut or has bytes of another kind, and nothing is consumed", function()
    local made = packet.wpacket()
    made:WriteValues(nil, "text", { x = { 1.5 } }, 7)
    local whole = check.bytes_of(made):sub(3)
    for cut = 0, #whole - 1 do
      local reader = check.reader_of(whole:sub(1, cut))
      assert.is_nil(reader:ReadValues())
      assert.are.equal(cut, reader:Remaining())
    end
    local too_many = "0f a1" .. (" 00"):rep(4001)
    for _, bytes_of in ipairs({ "00 01 0d", "00 01 ff", "ff ff 00", "00 02 00", too_many }) do
      assert.are.same({ n = 1 }, list(check.reader_of(check.unhex(bytes_of)):ReadValues()))
    end
  end)

  it("is safe while everything is collected", function()
    local text = ("z"):rep(100)
    collectgarbage("setpause", 1)
    for _ = 1, 200 do
      local got = back(32, text .. "a", { text .. "b" }, nil, { { text .. "c" } })
      assert.are.equal(text .. "c", got[5][1][1])
    end
    collectgarbage("setpause", 200)
  end)
end)
