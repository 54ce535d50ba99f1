--- Bodies: compressed ones, ones in parts, and public suffixes, through Lua.
local web = require("chuck.native").web

local CODINGS = { "gzip", "deflate", "br" }

local function packed(coding, text)
  return web.compressor(coding):Feed(text, "finish")
end

local function text_of(size)
  local lines = {}
  for n = 1, size / 10 do
    lines[n] = ("line %4d\n"):format(n % 1000)
  end
  return table.concat(lines)
end

describe("compressed bytes", function()
  it("become what they were", function()
    local text = text_of(100000)
    for _, coding in ipairs(CODINGS) do
      local bytes = packed(coding, text)
      assert.is_true(#bytes < #text / 4, coding)
      assert.are.equal(text, web.decompressor(coding):Feed(bytes, "finish"))
      assert.are.equal("", web.decompressor(coding):Feed("", "finish"))
    end
  end)

  it("come piece by piece, and can be read as far as they were flushed", function()
    for _, coding in ipairs(CODINGS) do
      local packer, reader = web.compressor(coding, 1), web.decompressor(coding)
      for n = 1, 50 do
        local piece = ("piece %d "):format(n):rep(n)
        assert.are.equal(piece, reader:Feed(packer:Feed(piece, "flush")))
      end
      assert.are.equal("", reader:Feed(packer:Feed("", "finish"), "finish"))
    end
  end)

  it("stop at the limit, long before all of a bomb is there", function()
    local zeros = ("\0"):rep(10 * 1024 * 1024)
    for _, coding in ipairs(CODINGS) do
      local bomb = packed(coding, zeros)
      local reader = web.decompressor(coding, 100000)
      for _ = 1, 2 do
        local out, message, code = reader:Feed(bomb)
        assert.is_nil(out)
        assert.are.equal("compressed bytes become more than the limit", message)
        assert.are.equal("EHTTPTOOLARGE", code)
      end
    end
  end)

  it("are broken when they are cut short, changed, or have something behind them", function()
    for _, coding in ipairs(CODINGS) do
      local bytes = packed(coding, "hello hello hello")
      for _, wrong in ipairs({ bytes:sub(1, -2), bytes .. "x", "\255" .. bytes }) do
        local out, message, code = web.decompressor(coding):Feed(wrong, "finish")
        assert.is_nil(out)
        assert.are.equal("compressed bytes are broken", message)
        assert.are.equal("EHTTPPARSE", code)
      end
    end
  end)

  it("are refused after the end and after Close", function()
    for _, coding in ipairs(CODINGS) do
      local packer, reader = web.compressor(coding), web.decompressor(coding)
      packer:Feed("x", "finish")
      assert.are.equal("ESOCKCLOSE", select(3, packer:Feed("x")))
      for _, object in ipairs({ packer, reader }) do
        object:Close()
        object:Close()
        assert.are.equal("ESOCKCLOSE", select(3, object:Feed("x")))
      end
    end
  end)

  it("have no coding that is not known", function()
    assert.are.equal("EOPNOTSUPP", select(3, web.compressor("identity")))
    assert.are.equal("EOPNOTSUPP", select(3, web.decompressor("zstd")))
    assert.is_false(pcall(web.compressor, "gzip", 12))
    assert.is_false(pcall(web.compressor("gzip").Feed, web.compressor("gzip"), "x", "end"))
    assert.is_false(pcall(web.compressor("gzip").Feed, web.decompressor("gzip"), "x"))
  end)

  it("cost nothing once nobody has them", function()
    for _ = 1, 500 do
      web.compressor("br"):Feed("x")
      web.decompressor("gzip"):Feed(packed("gzip", "x"))
    end
    collectgarbage()
  end)
end)

local BODY = table.concat({
  "--xX",
  'Content-Disposition: form-data; name="a"',
  "",
  "one\r\n--xY",
  "--xX",
  'Content-Disposition: form-data; name="b"; filename="b.bin"',
  "Content-Type: application/octet-stream",
  "",
  "\0\r\n\r\r\n--",
  "--xX--",
  "",
}, "\r\n")

--- The parts of a body that comes in pieces: heads, and data put together.
local function parts_of(pieces)
  local parser = web.multipart("xX")
  local told, data = {}, {}
  for _, piece in ipairs(pieces) do
    for _, event in ipairs(assert(parser:Feed(piece))) do
      if event[1] == "data" then
        data[#data + 1] = event[2]
      elseif event[1] == "end" then
        told[#told + 1] = table.concat(data)
        data = {}
      else
        told[#told + 1] = event[2] or event[1]
      end
    end
  end
  return told, parser
end

describe("a body in parts", function()
  local expected = {
    'Content-Disposition: form-data; name="a"\r\n',
    "one\r\n--xY",
    'Content-Disposition: form-data; name="b"; filename="b.bin"\r\n'
      .. "Content-Type: application/octet-stream\r\n",
    "\0\r\n\r\r\n--",
    "done",
  }

  it("is told however it is cut", function()
    assert.are.same(expected, (parts_of({ BODY })))
    for cut = 0, #BODY do
      assert.are.same(expected, (parts_of({ BODY:sub(1, cut), BODY:sub(cut + 1) })), cut)
    end
    local bytes = {}
    for at = 1, #BODY do
      bytes[at] = BODY:sub(at, at)
    end
    local told, parser = parts_of(bytes)
    assert.are.same(expected, told)
    assert.is_true(parser:IsDone())
    assert.are.same({}, parser:Feed("epilogue"))
  end)

  it("is not done when it is cut short", function()
    local _, parser = parts_of({ BODY:sub(1, -5) })
    assert.is_false(parser:IsDone())
  end)

  it("hands large data on as it comes", function()
    local parser = web.multipart("xX")
    parser:Feed("--xX\r\n\r\n")
    local block = ("x"):rep(65536)
    for _ = 1, 100 do
      local events = parser:Feed(block)
      assert.are.equal("data", events[1][1])
      assert.are.equal(65536, #events[1][2])
    end
  end)

  it("has as many parts and as long heads as the limits say", function()
    local parser = web.multipart("xX", { parts = 2 })
    local events = parser:Feed(("--xX\r\n\r\n\r\n"):rep(3))
    assert.are.equal(4, #events)
    for _ = 1, 2 do
      local list, message, code = parser:Feed("")
      assert.is_nil(list)
      assert.is_string(message)
      assert.are.equal("EHTTPTOOLARGE", code)
    end
    parser = web.multipart("xX", { head = 100 })
    assert.are.equal("EHTTPTOOLARGE", select(3, parser:Feed("--xX\r\nA: " .. ("b"):rep(101))))
    assert.are.equal("EHTTPPARSE", select(3, web.multipart("xX"):Feed("--xX\r\nA\r\n\r\n")))
    assert.are.equal("EINVAL", select(3, web.multipart("a\r\n")))
    assert.is_false(pcall(web.multipart, "x", { parts = "many" }))
  end)
end)

describe("a domain", function()
  it("has a part that somebody owns, unless it is public", function()
    assert.are.equal("example.co.uk", web.registrable("www.Example.co.uk"))
    assert.is_nil(web.registrable("co.uk"))
    assert.is_nil(web.registrable("127.0.0.1"))
    assert.is_true(web.is_public_suffix("co.uk"))
    assert.is_false(web.is_public_suffix("example.co.uk"))
  end)
end)

it("raises for methods that are called with values of every type", function()
  local values = { true, 1.5, "x\0y", {}, print, io.stdout, coroutine.create(function() end) }
  for _, object in ipairs({ web.compressor("br"), web.decompressor("br"), web.multipart("x") }) do
    for name, f in pairs(debug.getmetatable(object).__index) do
      assert.is_false(pcall(f), name)
      for _, one in ipairs(values) do
        assert.is_false(pcall(f, one), name)
        for _, two in ipairs(values) do
          local _, why = pcall(f, object, one, two)
          assert.is_falsy(tostring(why):find("internal error", 1, true), name)
        end
      end
    end
  end
end)
