--- Decoders: how the bytes of a stream become packets, whatever the peer sends.
local chuck = require("chuck")

local check = require("spec.helper.check")

local rpacket, rawpacket = chuck.decoder.connection.rpacket, chuck.decoder.connection.rawpacket

--- A frame around `body`, with a header of `bits`.
local function frame(body, bits)
  local size, head = #body, ""
  for _ = 1, (bits or 16) / 8 do
    head = string.char(size % 256) .. head
    size = math.floor(size / 256)
  end
  return head .. body
end

--- The payload that `text` is as a string field.
local function field(text)
  return frame(text)
end

--- What a decoder tells of chunks: the string in each packet, or the error number.
local function strings_of(decoder, chunks)
  local told = check.decode(decoder, chunks)
  for n, what in ipairs(told) do
    if type(what) ~= "number" then
      told[n] = what:ReadStr() or ("no string in " .. tostring(what))
    end
  end
  return told
end

local function each_byte(bytes)
  local chunks = {}
  for byte in bytes:gmatch(".") do
    chunks[#chunks + 1] = byte
  end
  return chunks
end

describe("decoder.connection.rpacket", function()
  it("makes an rpacket of a whole frame", function()
    local told = check.decode(rpacket(64), { frame(field("hello")) })
    assert.are.same({ 1, "rpacket", "hello" }, { #told, getmetatable(told[1]), told[1]:ReadStr() })
  end)

  for _, bits in ipairs({ 16, 32 }) do
    local body = bits == 16 and field("hello") or "\0\0\0\5hello"

    it("waits for the rest of a frame that is cut anywhere, " .. bits .. " bits", function()
      local whole = frame(body, bits)
      local chunks, expected = {}, {}
      for cut = 1, #whole - 1 do
        chunks[#chunks + 1] = whole:sub(1, cut)
        chunks[#chunks + 1] = whole:sub(cut + 1)
        expected[cut] = "hello"
      end
      assert.are.same(expected, strings_of(rpacket(64, bits), chunks))
    end)

    it("makes frames that come byte by byte, " .. bits .. " bits", function()
      local bytes = frame(body, bits):rep(3)
      local told = strings_of(rpacket(64, bits), each_byte(bytes))
      assert.are.same({ "hello", "hello", "hello" }, told)
    end)

    it("makes two packets of two frames at once, " .. bits .. " bits", function()
      local told = strings_of(rpacket(64, bits), { frame(body, bits):rep(2) })
      assert.are.same({ "hello", "hello" }, told)
    end)

    it("makes whole frames of one and a half, and then of the other half", function()
      local whole = frame(body, bits)
      local chunks = { whole .. whole:sub(1, 4), whole:sub(5) .. whole }
      assert.are.same({ "hello", "hello", "hello" }, strings_of(rpacket(64, bits), chunks))
    end)

    it("D15: makes a packet of an empty frame at once, " .. bits .. " bits", function()
      local told = check.decode(rpacket(64, bits), { frame("", bits) })
      assert.are.same({ 1, 0 }, { #told, told[1] and told[1]:Remaining() })
    end)

    it("takes a frame of max bytes with its header, " .. bits .. " bits", function()
      local told = check.decode(rpacket(20, bits), { frame(("x"):rep(20 - bits / 8), bits) })
      assert.are.same({ 1, 20 - bits / 8 }, { #told, #told[1] })
    end)

    it("tells 152 of a frame of one byte more, " .. bits .. " bits", function()
      local told = check.decode(rpacket(20, bits), { frame(("x"):rep(21 - bits / 8), bits) })
      assert.are.same({ 152 }, told)
    end)

    it("tells 152 as soon as the size is announced, " .. bits .. " bits", function()
      local head = frame(("x"):rep(21), bits):sub(1, bits / 8)
      assert.are.same({ 152 }, check.decode(rpacket(20, bits), { head }))
    end)

    it("tells 152 of every frame when max is below a header, " .. bits .. " bits", function()
      assert.are.same({ 152 }, check.decode(rpacket(1, bits), { frame("", bits) }))
    end)
  end

  it("tells 152 of a header of all ones, 32 bits", function()
    assert.are.same({ 152 }, check.decode(rpacket(65535, 32), { "\255\255\255\255" }))
  end)

  it("tells (conn, nil, 152) once, after the packets before it, and closes", function()
    local engine, near, far = chuck.engine(), check.pair()
    near, far = chuck.connection(near, 4096), chuck.connection(far, 4096, rpacket(20))
    local told, ended = {}, false
    far:Add2Engine(engine, function(conn, packet, code)
      told[#told + 1] = { conn == far, packet and packet:ReadStr(), code }
    end)
    near:Add2Engine(engine, function()
      ended = true
      engine:Stop()
    end)
    local fine = frame(field("fine"))
    near:Send(chuck.packet.rawpacket(fine .. "\255\255" .. fine))
    check.run(engine)
    local after = far:Send(chuck.packet.rawpacket("x"))
    engine:Close()
    assert.are.same({ { true, "fine", 0 }, { true, nil, 152 } }, told)
    assert.are.same({ true, -140 }, { ended, after })
  end)

  it("takes frames of 65535 and 65537 bytes, far above one read of 10 bytes", function()
    local body = ("0123456789"):rep(6554):sub(1, 65533)
    local told = check.decode(rpacket(65537), { frame(body), frame(body .. "ab") }, 10)
    assert.are.same({ 65533, 65535 }, { #told[1], #told[2] })
  end)

  it("takes frames of megabytes with 32 bits", function()
    local body = ("0123456789"):rep(300000)
    local made = chuck.packet.wpacket(0, 32)
    made:WriteStr(body)
    local bytes = check.bytes_of(made)
    local told = check.decode(rpacket(#bytes, 32), { bytes })
    assert.is_true(#told == 1 and told[1]:ReadStr() == body)
  end)

  it("D16: may serve many connections at once, and be dropped", function()
    local decoder = rpacket(64)
    local first = frame(field("first"))
    for _ = 1, 20 do
      local cut = { first:sub(1, 3), first:sub(4) }
      assert.are.same({ "first" }, strings_of(decoder, cut))
    end
    local engine, got, ends = chuck.engine(), {}, {}
    for n = 1, 10 do
      local near, far = check.pair()
      near, far = chuck.connection(near, 10), chuck.connection(far, 10, decoder)
      far:Add2Engine(engine, function(_, packet)
        got[#got + 1] = packet and packet:ReadStr()
      end)
      near:Add2Engine(engine, function() end)
      ends[n] = near
    end
    decoder = nil -- luacheck: ignore
    check.collect()
    for _, part in ipairs({ first:sub(1, 3), first:sub(4) }) do
      for _, near in ipairs(ends) do
        near:Send(chuck.packet.rawpacket(part))
      end
      engine:Run(1)
    end
    check.run_until(engine, function()
      return #got == 10
    end)
    engine:Close()
    assert.are.same({ "first", "first" }, { got[1], got[10] })
  end)

  it("D16: that is never used costs nothing", function()
    local weak = setmetatable({}, { __mode = "k" })
    for _ = 1, 1000 do
      weak[rpacket(64)] = true
    end
    assert.are.equal(0, check.count(weak))
  end)

  it("gives packets that outlive their connection, engine and buffer", function()
    local told = check.decode(rpacket(4096), { frame(field(("a"):rep(500))):rep(5) })
    check.collect()
    assert.are.equal(("a"):rep(500), told[5]:ReadStr())
  end)

  it("raises without max, and for a max or bits that make no sense", function()
    for _, arguments in ipairs({ {}, { 0 }, { -1 }, { 1.5 }, { "64" }, { 64, 8 }, { 64, "16" } }) do
      assert.is_false(pcall(rpacket, arguments[1], arguments[2]))
    end
  end)
end)

describe("decoder.connection.rawpacket", function()
  local function bytes_of(told)
    local pieces = {}
    for n, packet in ipairs(told) do
      pieces[n] = packet:ReadBin()
    end
    return pieces
  end

  it("is a decoder as it is, and when it is called", function()
    for _, decoder in ipairs({ rawpacket, rawpacket(), rawpacket()() }) do
      assert.are.same({ "ab", "c" }, bytes_of(check.decode(decoder, { "ab", "c" })))
    end
  end)

  it("is what a connection has without a decoder", function()
    assert.are.same({ "ab", "c" }, bytes_of(check.decode(nil, { "ab", "c" })))
  end)

  it("delivers no more than recvbuf bytes at once, and loses none", function()
    assert.are.same({ "abc", "def", "g" }, bytes_of(check.decode(rawpacket, { "abcdefg" }, 3)))
  end)

  it("D17: delivers the right bytes when recvbuf is above 65535", function()
    local bytes = {}
    for n = 1, 200000 do
      bytes[n] = string.char((n * 7 + math.floor(n / 251)) % 256)
    end
    local text = table.concat(bytes)
    assert.is_true(table.concat(bytes_of(check.decode(rawpacket, { text }, 1000000))) == text)
  end)
end)

describe("hostile bytes", function()
  --- Numbers from 0 to limit - 1, the same on every Lua.
  local function dice(seed)
    return function(limit)
      seed = (seed * 16807) % 2147483647
      return seed % limit
    end
  end

  --- Bytes that look a little like a table.
  local function noise(roll, size)
    local bytes = { "\1\0\0\0", string.char(roll(4)) }
    while #bytes < size do
      local like_a_tag = roll(3) > 0
      bytes[#bytes + 1] = string.char(like_a_tag and roll(14) or roll(256))
    end
    return table.concat(bytes)
  end

  it("never make ReadTab raise, and leave the packet readable", function()
    local roll, tables = dice(2015), 0
    for _ = 1, 20000 do
      local made = chuck.packet.wpacket(64, roll(2) == 0 and 16 or 32)
      for byte in noise(roll, 4 + roll(40)):gmatch(".") do
        made:WriteU8(byte:byte())
      end
      local read = chuck.packet.rpacket(made)
      local before = read:Remaining()
      local value = read:ReadTab()
      assert(value ~= nil or read:Remaining() == before, "the position moved")
      tables = tables + (value and 1 or 0)
    end
    assert.is_true(tables > 0)
  end)

  it("never make any other read raise", function()
    local roll = dice(7)
    local names = { "U8", "U16", "U32", "U64", "I8", "I16", "I32", "I64", "Num", "Str", "Tab" }
    for _ = 1, 2000 do
      local read = check.reader_of(noise(roll, 4 + roll(60)))
      for _ = 1, 20 do
        read["Read" .. names[1 + roll(#names)]](read)
      end
    end
    assert.is_true(true)
  end)

  it("that are a good table with one byte changed never make ReadTab raise", function()
    local whole = check.unhex("01 00000002 02 0001 78 02 0003 616263 05 01 01 00000001 05 01 03 01")
    for at = 1, #whole do
      for byte = 0, 255 do
        check.reader_of(whole:sub(1, at - 1) .. string.char(byte) .. whole:sub(at + 1)):ReadTab()
      end
    end
    assert.is_true(true)
  end)

  it("on a connection end it with 152, or are packets", function()
    local roll = dice(99)
    for _ = 1, 50 do
      local bytes = noise(roll, 200)
      for _, what in ipairs(check.decode(rpacket(50), { bytes:sub(3, 100), bytes:sub(101) })) do
        assert(what == 152 or getmetatable(what) == "rpacket")
      end
    end
  end)

  it("D2: that announce more pairs than there are cost no memory for them", function()
    local status, out = check.child(
      [[
        local packet = require("chuck").packet
        local level = "\5\1\1\0\255\255\255"
        local made = packet.wpacket(0, 32)
        made:WriteU8(1)
        made:WriteU32(0xffffff)
        for _ = 1, 60 do
          for byte in level:gmatch(".") do made:WriteU8(byte:byte()) end
        end
        made:WriteStr(("\5"):rep(8000000))
        print(packet.rpacket(made):ReadTab())
      ]],
      "ulimit -v 1000000"
    )
    assert.are.same({ 0, "nil\n" }, { status, out })
  end)
end)
