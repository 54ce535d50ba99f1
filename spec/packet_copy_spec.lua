--- Packets: how deep and how large they may be, what copies share, what is refused.
local chuck = require("chuck")

local check = require("spec.helper.check")

local packet = chuck.packet

--- `levels` tables, one in the other.
local function nested(levels)
  local value = {}
  for _ = 2, levels do
    value = { value }
  end
  return value
end

local function levels_of(value)
  local levels = 0
  while value do
    value, levels = value[1], levels + 1
  end
  return levels
end

describe("a table's depth", function()
  it("D1: of 64 is written and read", function()
    assert.are.equal(
      64,
      levels_of(check
        .reader(function(made)
          made:WriteTab(nested(64))
        end)
        :ReadTab())
    )
  end)

  it("D1: of 65 is refused by the writer, and the packet stays as it was", function()
    local made = packet.wpacket()
    made:WriteU8(1)
    local fine, message = pcall(made.WriteTab, made, nested(65))
    assert.are.same({ false, 1 }, { fine, made:Size() })
    assert.is_truthy(message:find("deeper than 64 levels", 1, true))
  end)

  it("D1: of 65 and of 9,000 is nil for the reader", function()
    for _, levels in ipairs({ 65, 100, 9000 }) do
      local inner = check.unhex("05 01 01 00000001"):rep(levels - 2)
      local bytes = check.unhex("01 00000001") .. inner .. check.unhex("05 01 01 00000000")
      assert.is_nil(check.reader_of(bytes):ReadTab())
    end
  end)

  it("D13: without end is refused: a table in itself, deep in itself, two in each other", function()
    local own, far, left, right = {}, { { {} } }, {}, {}
    own[1], far[1][1][1], left.right, right.left = own, far, right, left
    for _, cyclic in ipairs({ own, far, left }) do
      local made = packet.wpacket()
      made:WriteStr("before")
      assert.are.same(
        { false, 8 },
        { (pcall(made.WriteTab, made, { 1, 2, 3, cyclic, 5 })), made:Size() }
      )
    end
  end)

  it("does not count a table twice that merely stands twice", function()
    local shared = { 1 }
    local read = check.reader(function(made)
      made:WriteTab({ shared, shared })
    end)
    assert.are.same({ { 1 }, { 1 } }, read:ReadTab())
  end)
end)

describe("a packet's size", function()
  it("D3: of 65535 bytes with its header is the largest of 16 bits", function()
    local made = packet.wpacket()
    made:WriteStr(("x"):rep(65531))
    assert.are.same({ 65533, 65535 }, { made:Size(), #check.bytes_of(made) })
  end)

  it("D3, D5: refuses one byte more, in plain words, and stays as it was", function()
    local writes = {
      WriteU8 = 1,
      WriteI64 = 1,
      WriteNum = 1.5,
      WriteStr = "",
      WriteTab = {},
    }
    for name, value in pairs(writes) do
      local made = packet.wpacket()
      made:WriteStr(("x"):rep(65531))
      local fine, message = pcall(made[name], made, value)
      assert.are.same({ false, 65533 }, { fine, made:Size() }, name)
      assert.is_truthy(message:find("limit is 65533", 1, true), name)
    end
  end)

  it("D5: refuses strings of 65532 to 140000 bytes", function()
    for _, size in ipairs({ 65532, 65535, 65536, 70000, 131072 + 4 }) do
      local made = packet.wpacket()
      local alone = pcall(made.WriteStr, made, ("x"):rep(size))
      local inside = pcall(made.WriteTab, made, { ("x"):rep(size) })
      local as_key = pcall(made.WriteTab, made, { [("x"):rep(size)] = 1 })
      assert.are.same({ false, false, false, 0 }, { alone, inside, as_key, made:Size() })
    end
  end)

  it("of more than 65535 bytes is fine with 32 bits", function()
    local long = ("0123456789"):rep(30000)
    local made = packet.wpacket(0, 32)
    made:WriteStr(long)
    made:WriteTab({ long, x = long })
    local read = packet.rpacket(made)
    assert.are.same({ long, { long, x = long } }, { read:ReadStr(), read:ReadTab() })
  end)

  it("is told by Size and Remaining and by #, which do not count the header", function()
    local made = packet.wpacket()
    made:WriteU32(1)
    local read = packet.rpacket(made)
    read:ReadU8()
    local raw = packet.rawpacket("hello")
    assert.are.same({ 4, 4, 4, 3, 5, 5 }, {
      made:Size(),
      #made,
      #read,
      read:Remaining(),
      #raw,
      raw:Size(),
    })
  end)

  it("grows past any hint", function()
    for _, hint in ipairs({ 0, 1, 64, 65536, 2 ^ 40 }) do
      local made = packet.wpacket(hint)
      for n = 1, 300 do
        made:WriteU32(n)
      end
      assert.are.equal(1200, made:Size())
    end
  end)
end)

describe("copies", function()
  --- Packets with few bytes are held in another way than those with many.
  for _, size in ipairs({ 3, 200, 5000 }) do
    local text = ("x"):rep(size)

    local function original()
      local made = packet.wpacket()
      made:WriteStr(text)
      return made
    end

    it("D9: do not change when the original of " .. size .. " bytes is written", function()
      local made = original()
      local copy, clone, read = packet.wpacket(made), packet.clone(made), packet.rpacket(made)
      made:WriteU8(1)
      assert.are.same({ size + 3, size + 2, size + 2, size + 2 }, { #made, #copy, #clone, #read })
      assert.are.equal(size + 4, #check.bytes_of(copy))
    end)

    it("D9: do not change their original of " .. size .. " bytes when they are written", function()
      local made = original()
      local copy = packet.clone(made)
      copy:WriteStr("more")
      made:WriteU8(7)
      local ours, theirs = packet.rpacket(made), packet.rpacket(copy)
      assert.are.same(
        { text, 7, text, "more" },
        { ours:ReadStr(), ours:ReadU8(), theirs:ReadStr(), theirs:ReadStr() }
      )
    end)

    it("may be sent again, and to many: " .. size .. " bytes", function()
      local made = original()
      local first = check.bytes_of(made, made)
      local second = check.bytes_of(made)
      assert.are.equal(first, second .. second)
    end)

    it("do not change what is on its way when they are written: " .. size .. " bytes", function()
      local engine, near, far = chuck.engine(), check.pair()
      near, far = chuck.connection(near, 10), chuck.connection(far, 65536)
      local made, got = original(), {}
      near:Send(made)
      made:WriteU8(1)
      near:Add2Engine(engine, function() end)
      near:Close(1000)
      far:Add2Engine(engine, function(_, p)
        got[#got + 1] = p and p:ReadBin()
        return p or engine:Stop()
      end)
      check.run(engine)
      engine:Close()
      assert.are.equal(size + 4, #table.concat(got))
    end)
  end

  it("of an rpacket to a wpacket hold the whole packet, however far it was read", function()
    local read = check.reader(function(made)
      made:WriteU8(1)
      made:WriteU8(2)
    end)
    read:ReadU8()
    local made = packet.wpacket(read)
    made:WriteU8(3)
    assert.are.equal("00 03 01 02 03", check.hex(check.bytes_of(made)))
  end)

  it("D10: of a partly read rpacket go on where it was, each for itself", function()
    local read = check.reader(function(made)
      made:WriteU8(1)
      made:WriteU8(2)
    end)
    read:ReadU8()
    for _, copy in ipairs({ packet.clone(read), packet.rpacket(read) }) do
      assert.are.same({ 1, 2, nil }, { copy:Remaining(), copy:ReadU8(), copy:ReadU8() })
    end
    assert.are.equal(2, read:ReadU8())
  end)

  it("keep the width of 32 bits", function()
    local made = packet.wpacket(0, 32)
    made:WriteStr("a")
    local copies = { packet.clone(made), packet.wpacket(packet.rpacket(made)) }
    for _, copy in ipairs(copies) do
      assert.are.equal("00 00 00 05 00 00 00 01 61", check.hex(check.bytes_of(copy)))
    end
  end)

  it("of a rawpacket hold the same bytes", function()
    local raw = packet.rawpacket("a\0b")
    assert.are.same(
      { "a\0b", "a\0b", "a\0b", "a\0b" },
      { raw:ReadBin(), raw:ReadBin(), packet.clone(raw):ReadBin(), packet.rawpacket(raw):ReadBin() }
    )
  end)
end)

describe("a rawpacket", function()
  it("travels without a header", function()
    assert.are.equal("a\0b", check.bytes_of(packet.rawpacket("a\0b")))
  end)

  it("D12: that is empty is sent at once, as nothing, and its callback comes", function()
    local engine, near, far = chuck.engine(), check.pair()
    chuck.socket_helper.close(far)
    near = chuck.connection(near, 10)
    local finished
    near:Send(packet.rawpacket(""), function(conn)
      finished = finished or conn
      engine:Stop()
    end)
    near:Add2Engine(engine, function() end)
    check.run(engine)
    engine:Close()
    assert.are.equal(near, finished)
    assert.are.equal(
      "ab",
      check.bytes_of(packet.rawpacket("a"), packet.rawpacket(""), packet.rawpacket("b"))
    )
  end)
end)

describe("an argument", function()
  local function refused(call, ...)
    local fine, message = pcall(call, ...)
    return not fine and type(message) == "string"
  end

  it("D14: of a wrong type raises in every constructor", function()
    local raw, engine = packet.rawpacket("x"), chuck.engine()
    local wrong = {
      { packet.wpacket, raw },
      { packet.wpacket, "x" },
      { packet.wpacket, {} },
      { packet.wpacket, -1 },
      { packet.wpacket, 1.5 },
      { packet.wpacket, 0, 8 },
      { packet.wpacket, io.stdout },
      { packet.wpacket, engine },
      { packet.rpacket, raw },
      { packet.rpacket, nil },
      { packet.rpacket, 64 },
      { packet.rpacket, io.stdout },
      { packet.rawpacket, 5 },
      { packet.rawpacket, nil },
      { packet.rawpacket, packet.wpacket() },
      { packet.clone, nil },
      { packet.clone, "x" },
      { packet.clone, io.stdout },
      { packet.clone, engine },
    }
    for n, call in ipairs(wrong) do
      assert.is_true(refused(call[1], call[2], call[3]), "number " .. n)
    end
    engine:Close()
  end)

  it("D14: of the wrong kind of packet raises in every method", function()
    local made, raw = packet.wpacket(), packet.rawpacket("x")
    local read = packet.rpacket(made)
    assert.is_true(refused(made.WriteU8, read, 1))
    assert.is_true(refused(made.WriteTab, raw, {}))
    assert.is_true(refused(read.ReadU8, made))
    assert.is_true(refused(read.ReadTab, raw))
    assert.is_true(refused(raw.ReadBin, read))
    assert.is_true(refused(raw.ReadBin, io.stdout))
  end)

  it("that is a fraction, NaN, inf or a numeric string is refused by integer fields", function()
    for _, bits in ipairs({ "U8", "U16", "U32", "U64", "I8", "I16", "I32", "I64" }) do
      for _, value in ipairs({ 1.5, 0 / 0, 1 / 0, -1 / 0, 2 ^ 64, -2 ^ 63 - 2 ^ 11, "1" }) do
        local made = packet.wpacket()
        assert.is_true(refused(made["Write" .. bits], made, value), bits .. " " .. tostring(value))
        assert.are.equal(0, made:Size())
      end
    end
  end)

  it("that is a number is refused by WriteStr, and a string by WriteNum", function()
    local made = packet.wpacket()
    assert.is_true(refused(made.WriteStr, made, 1))
    assert.is_true(refused(made.WriteNum, made, "1"))
  end)
end)
