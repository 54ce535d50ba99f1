--- Packets: what is written, how it travels, and what is read.
local chuck = require("chuck")

local check = require("spec.helper.check")

local packet = chuck.packet

--- The payload of a fresh packet, after `write(packet)`, as hex on the wire.
local function wire(write, ...)
  local made = packet.wpacket(...)
  write(made)
  return check.hex(check.bytes_of(made))
end

local function wire_of_table(value, ...)
  return wire(function(made)
    made:WriteTab(value)
  end, ...)
end

--- What comes back when `value` is written in a table and read again.
local function back(value, bits)
  local read = check.reader(function(made)
    made:WriteTab({ value })
  end, bits)
  return read:ReadTab()[1]
end

--- Tells values apart that == takes for equal: 1 and 1.0, 0.0 and -0.0.
local function exact(value)
  if value ~= value then
    return "nan"
  end
  local kind = check.has_integers and math.type(value) or "number"
  return kind .. " " .. ("%.17g"):format(value)
end

describe("the bytes on the wire", function()
  local vectors = {
    { {}, "00 00" },
    { { { "U8", 0x12 }, { "U16", 0x1234 }, { "U32", 0x12345678 } }, "00 07 12 12 34 12 34 56 78" },
    { { { "Str", "hi" } }, "00 04 00 02 68 69" },
    { { { "Tab", { i = 1 } } }, "00 0b 01 00 00 00 01 02 00 01 69 05 01" },
    { { { "Tab", { true } } }, "00 09 01 00 00 00 01 05 01 03 01" },
    { { { "Tab", { 0 } } }, "00 0c 01 00 00 00 01 05 01 0b 00 00 00 00" },
    { { { "Tab", { 300 } } }, "00 0a 01 00 00 00 01 05 01 06 01 2c" },
    { { { "Tab", { 70000 } } }, "00 0c 01 00 00 00 01 05 01 07 00 01 11 70" },
    { { { "Tab", { 2 ^ 33 } } }, "00 10 01 00 00 00 01 05 01 08 00 00 00 02 00 00 00 00" },
    { { { "Tab", { -2 } } }, "00 0c 01 00 00 00 01 05 01 0b ff ff ff fe" },
    { { { "Tab", { {} } } }, "00 0c 01 00 00 00 01 05 01 01 00 00 00 00" },
    { { { "Tab", { x = "abc" } } }, "00 0f 01 00 00 00 01 02 00 01 78 02 00 03 61 62 63" },
    { { { "Num", 3.7 } }, "00 08 9a 99 99 99 99 99 0d 40" },
    { { { "Tab", { 1.5 } } }, "00 10 01 00 00 00 01 05 01 04 00 00 00 00 00 00 f8 3f" },
  }
  for _, vector in ipairs(vectors) do
    local writes, bytes = vector[1], vector[2]
    it("of a test vector are " .. bytes, function()
      assert.are.equal(
        bytes,
        wire(function(made)
          for _, write in ipairs(writes) do
            made["Write" .. write[1]](made, write[2])
          end
        end)
      )
    end)
  end

  it("have a header and string lengths of four bytes when the packet has 32 bits", function()
    assert.are.equal(
      "00 00 00 13 00 00 00 02 68 69 01 00 00 00 01 02 00 00 00 01 78 03 00",
      wire(function(made)
        made:WriteStr("hi")
        made:WriteTab({ x = false })
      end, 0, 32)
    )
  end)

  it("of integers are big endian, whatever the sign", function()
    assert.are.equal(
      "00 1e ff ff fe ff ff ff fd 00 00 00 02 00 00 00 01 "
        .. "80 80 00 80 00 00 00 ff ff ff ff ff ff ff fc",
      wire(function(made)
        made:WriteI8(-1)
        made:WriteI16(-2)
        made:WriteI32(-3)
        made:WriteU64(2 ^ 33 + 1)
        made:WriteU8(128)
        made:WriteU16(32768)
        made:WriteU32(2 ^ 31)
        made:WriteI64(-4)
      end)
    )
  end)

  it("D20: of a number are a little-endian IEEE double", function()
    assert.are.equal(
      "00 08 00 00 00 00 00 00 f0 3f",
      wire(function(made)
        made:WriteNum(1)
      end)
    )
  end)

  it("D7: of table integers take the smallest unsigned tag, and 0c below -2^31", function()
    local tails = {
      [1] = "05 01",
      [255] = "05 ff",
      [256] = "06 01 00",
      [65535] = "06 ff ff",
      [65536] = "07 00 01 00 00",
      [4294967295] = "07 ff ff ff ff",
      [4294967296] = "08 00 00 00 01 00 00 00 00",
      [-1] = "0b ff ff ff ff",
      [-2147483648] = "0b 80 00 00 00",
      [-2147483649] = "0c ff ff ff ff 7f ff ff ff",
      [-3000000000] = "0c ff ff ff ff 4d 2f a2 00",
    }
    for value, tail in pairs(tails) do
      assert.are.equal(tail, wire_of_table({ value }):sub(28), value)
    end
  end)

  it("of negative zero, inf and huge floats in tables are doubles, tag 4", function()
    for _, value in ipairs({ -1 / (1 / 0), 1 / 0, -1 / 0, 2 ^ 63, 2 ^ 64, 0.5 }) do
      assert.are.equal("04", wire_of_table({ value }):sub(28, 29), value)
    end
    assert.are.equal("04", wire_of_table({ 0 / 0 }):sub(28, 29))
  end)

  it("D8: of a table that outgrows the packet's first room are those of a roomy packet", function()
    local value = {}
    for n = 1, 500 do
      value[n] = ("x"):rep(n % 40)
    end
    assert.are.equal(wire_of_table(value, 60000), wire_of_table(value, 0))
  end)
end)

describe("reading back", function()
  it("gives every scalar that was written", function()
    local read = check.reader(function(made)
      made:WriteU8(200)
      made:WriteU16(60000)
      made:WriteU32(4000000000)
      made:WriteU64(2 ^ 40)
      made:WriteI8(-100)
      made:WriteI16(-30000)
      made:WriteI32(-2000000000)
      made:WriteI64(-2 ^ 40)
      made:WriteNum(-1.25)
      made:WriteStr("a\0b")
    end)
    local got = {
      read:ReadU8(),
      read:ReadU16(),
      read:ReadU32(),
      read:ReadU64(),
      read:ReadI8(),
      read:ReadI16(),
      read:ReadI32(),
      read:ReadI64(),
      read:ReadNum(),
      read:ReadStr(),
      read:Remaining(),
    }
    assert.are.same({
      200,
      60000,
      4000000000,
      2 ^ 40,
      -100,
      -30000,
      -2000000000,
      -2 ^ 40,
      -1.25,
      "a\0b",
      0,
    }, got)
  end)

  it("sees the same bytes signed or unsigned", function()
    local bytes = ("\255"):rep(7)
    local signed, unsigned = check.reader_of(bytes), check.reader_of(bytes)
    assert.are.same({ -1, -1, -1, 255, 65535, 4294967295 }, {
      signed:ReadI8(),
      signed:ReadI16(),
      signed:ReadI32(),
      unsigned:ReadU8(),
      unsigned:ReadU16(),
      unsigned:ReadU32(),
    })
  end)

  it("takes integers modulo their width", function()
    local read = check.reader(function(made)
      made:WriteU8(256 + 7)
      made:WriteU16(-1)
      made:WriteU32(2 ^ 32 + 5)
      made:WriteI8(255)
    end)
    assert.are.same({ 7, 65535, 5, -1 }, {
      read:ReadU8(),
      read:ReadU16(),
      read:ReadU32(),
      read:ReadI8(),
    })
  end)

  it("D6: keeps every double: fractions, huge, infinite, NaN, negative zero", function()
    for _, value in ipairs({ 3.7, -1.5, 1e300, 5e-324, 1 / 0, -1 / 0, -1 / (1 / 0), 0.1 }) do
      local read = check.reader(function(made)
        made:WriteNum(value)
      end)
      local number = read:ReadNum()
      assert.are.same({ value, 1 / value }, { number, 1 / number })
      assert.are.same({ value, 1 / value }, { back(value), 1 / back(value) })
    end
    local nan = check
      .reader(function(made)
        made:WriteNum(0 / 0)
      end)
      :ReadNum()
    assert.is_true(nan ~= nan and back(0 / 0) ~= back(0 / 0))
  end)

  it("D7: keeps table integers at every border", function()
    for bits = 0, 53 do
      for _, off in ipairs({ -1, 0, 1 }) do
        local value = 2 ^ bits + off
        if value <= 2 ^ 53 then
          assert.are.same({ value, -value }, { back(value), back(-value) })
        end
      end
    end
    assert.are.same({ -2 ^ 63, 2 ^ 63, 2 ^ 62 }, { back(-2 ^ 63), back(2 ^ 63), back(2 ^ 62) })
  end)

  if check.has_integers then
    it("D7: keeps 64-bit integers where Lua has them", function()
      local edge = math.tointeger(2 ^ 53)
      local many = { math.maxinteger, math.mininteger, edge, edge + 1, -edge - 1, -1, 0 }
      for _, value in ipairs(many) do
        assert.are.equal(exact(value), exact(back(value)))
      end
    end)

    it("gives 64-bit fields all their bits", function()
      for _, value in ipairs({ math.maxinteger, math.mininteger, -1, 1 }) do
        local read = check.reader(function(made)
          made:WriteI64(value)
          made:WriteU64(value)
        end)
        assert.are.same({ value, value }, { read:ReadI64(), read:ReadU64() })
      end
    end)

    it("makes integers of integral floats in tables, and floats of the others", function()
      assert.are.same(
        { exact(1), exact(-0.0), exact(2 ^ 63), exact(1.5) },
        { exact(back(1.0)), exact(back(-0.0)), exact(back(2 ^ 63)), exact(back(1.5)) }
      )
    end)
  else
    it("gives unsigned 64-bit fields as doubles where Lua has no integers", function()
      local read = check.reader(function(made)
        made:WriteU64(2 ^ 63)
        made:WriteI64(-2 ^ 63)
      end)
      assert.are.same({ 2 ^ 63, -2 ^ 63 }, { read:ReadU64(), read:ReadI64() })
    end)
  end

  it("keeps nested tables of strings, numbers and booleans", function()
    local value = {
      1,
      2,
      { 3, { 4, { deep = true } } },
      name = "chuck",
      [-5] = false,
      [1.5] = "half",
      list = { "a", "b", "c", {} },
    }
    for _, bits in ipairs({ 16, 32 }) do
      local read = check.reader(function(made)
        made:WriteTab(value)
      end, bits)
      assert.are.same(value, read:ReadTab())
    end
  end)

  it("keeps binary strings as keys, as values, and by WriteStr", function()
    local bytes = {}
    for byte = 0, 255 do
      bytes[#bytes + 1] = string.char(byte)
    end
    local all = table.concat(bytes)
    local read = check.reader(function(made)
      made:WriteStr(all)
      made:WriteTab({ [all] = all })
    end)
    assert.are.same({ all, { [all] = all } }, { read:ReadStr(), read:ReadTab() })
  end)

  it("D4: keeps empty strings, alone, as key and as value", function()
    local read = check.reader(function(made)
      made:WriteStr("")
      made:WriteTab({ [""] = "" })
    end)
    assert.are.same({ "", { [""] = "" } }, { read:ReadStr(), read:ReadTab() })
  end)

  it("leaves out what the format does not know, and ignores metatables", function()
    local thread = coroutine.create(function() end)
    local value = setmetatable({ 1, print, io.stdout, thread, x = { y = print } }, {
      __index = { hidden = 1 },
      __pairs = error,
      __len = error,
    })
    value[true], value[{}], value[print] = 1, 2, 3
    local read = check.reader(function(made)
      made:WriteTab(value)
    end)
    assert.are.same({ 1, x = {} }, read:ReadTab())
  end)

  it("goes on after a table", function()
    local read = check.reader(function(made)
      made:WriteTab({ {}, {} })
      made:WriteU8(9)
    end)
    read:ReadTab()
    assert.are.equal(9, read:ReadU8())
  end)
end)

describe("a read that is not there", function()
  local methods = {
    U8 = 1,
    U16 = 2,
    U32 = 4,
    U64 = 8,
    I8 = 1,
    I16 = 2,
    I32 = 4,
    I64 = 8,
    Num = 8,
    Str = 2,
    Tab = 5,
  }

  it("D11: is nil and keeps the position, for every method and every shortage", function()
    for name, needed in pairs(methods) do
      for size = 0, needed - 1 do
        local read = check.reader_of(("\1"):rep(size))
        local got = read["Read" .. name](read)
        assert.are.same({ nil, size }, { got, read:Remaining() }, name .. " of " .. size)
      end
    end
  end)

  it("is nil for a string whose length is larger than what is left", function()
    local read = check.reader_of("\0\3ab")
    assert.are.same({ nil, 4 }, { read:ReadStr(), read:Remaining() })
  end)

  it("D2: is nil for every table that is cut, and keeps the position", function()
    local whole = check.unhex("01 00000002 02 0001 78 02 0003 616263 05 01 01 00000001 05 01 03 01")
    for cut = 0, #whole - 1 do
      local read = check.reader_of(whole:sub(1, cut))
      assert.are.same({ nil, cut }, { read:ReadTab(), read:Remaining() }, "cut at " .. cut)
    end
    assert.are.same({ x = "abc", { true } }, check.reader_of(whole):ReadTab())
  end)

  it("D2: is nil for unknown tags, keys of other types, NaN as a key, and lying counts", function()
    for _, bytes in ipairs({
      "01 00000001 00 05 01",
      "01 00000001 0d 01 05 01",
      "01 00000001 05 01 ff",
      "01 00000001 03 01 05 01",
      "01 00000001 01 00000000 05 01",
      "01 00000001 04 000000000000f87f 05 01",
      "01 ffffffff 05 01 05 01",
      "01 00000001 02 ffff 41",
      "02 0001 41",
      "05 01",
    }) do
      local read = check.reader_of(check.unhex(bytes))
      local size = read:Remaining()
      assert.are.same({ nil, size }, { read:ReadTab(), read:Remaining() }, bytes)
    end
  end)

  it("D7: is not a table with the tags of old peers: they are read", function()
    local read = check.reader_of(
      check.unhex(
        "01 00000006 05 01 09 ff 05 02 0a fffe 05 03 0b fffffffd 05 04 0c fffffffffffffffc"
          .. "09 05 08 0000000000000005 05 06 04 000000000000f03f"
      )
    )
    assert.are.same({ -1, -2, -3, -4, 5, 1 }, read:ReadTab())
  end)
end)

it("a packet tells its kind and size as text", function()
  local made = packet.wpacket()
  made:WriteU16(1)
  local read = packet.rpacket(made)
  read:ReadU8()
  assert.are.same(
    { "wpacket (2 bytes)", "rpacket (1 of 2 bytes left)", "rawpacket (3 bytes)" },
    { tostring(made), tostring(read), tostring(packet.rawpacket("abc")) }
  )
end)

it("the write methods return nothing", function()
  local made = packet.wpacket()
  assert.are.same({ 0, 0, 0, 0 }, {
    select("#", made:WriteU8(1)),
    select("#", made:WriteNum(1)),
    select("#", made:WriteStr("")),
    select("#", made:WriteTab({})),
  })
end)
