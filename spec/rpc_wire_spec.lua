--- The bytes that two peers exchange are those that docs/rpc-wire.md shows.
local check = require("spec.helper.check")
local wire = require("chuck.rpc.wire")

local KIND = wire.KIND

local function page()
  local file = assert(io.open("docs/rpc-wire.md", "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local function bytes_of(kind, ...)
  local made = wire.write(kind, ...)
  return check.hex(check.bytes_of(made))
end

describe("the wire", function()
  it("has the kinds of the page", function()
    local count = 0
    for code, name in page():gmatch("\n| (%x%x) | ([%w_]+) |") do
      assert.are.equal(tonumber(code, 16), KIND[name:upper()])
      count = count + 1
    end
    local all = 0
    for _ in pairs(KIND) do
      all = all + 1
    end
    assert.are.equal(all, count)
  end)

  it("has the bytes of the page", function()
    local shown = {}
    for line in page():gmatch("\n(00 00 00 [%x ]+)") do
      shown[#shown + 1] = line:gsub("%s+", " ")
    end
    assert.are.same({
      bytes_of(KIND.HELLO, "chuck-rpc", 1, 4194304, 16384),
      bytes_of(KIND.CALL, 1, "add", 30000, nil, 1, 2),
      bytes_of(KIND.RESULT, 1, 3),
    }, shown)
  end)

  it("reads what it writes", function()
    local packet = require("chuck").packet
    local made = wire.write(KIND.ERROR, 7, "EREMOTE", "oh", nil)
    local function list(...)
      return { n = select("#", ...), ... }
    end
    assert.are.same(
      { n = 6, KIND.ERROR, 4, 7, "EREMOTE", "oh" },
      list(wire.read(packet.rpacket(made)))
    )
    assert.is_nil(wire.read(packet.rpacket(packet.wpacket(0, 32))))
  end)
end)
