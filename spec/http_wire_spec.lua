--- What `chuck.http` is built on: heads and bodies that native code writes.
local chuck = require("chuck")
local native = require("chuck.native")

local net = require("spec.helper.net")

local http = native.http
local OLD, NO_DATE = 4, 8

describe("a written message", function()
  local world, near, got

  before_each(function()
    world = net.open()
    local connected, accepted = world:fd_pair()
    near = world:connection(connected, http.parts({ role = "server" }))
    local far = world:connection(accepted)
    got = ""
    near:Add2Engine(world.engine, net.ignore)
    far:Add2Engine(world.engine, function(_, p)
      got = got .. (p and p:ReadBin() or "")
    end)
  end)

  after_each(function()
    world:close()
  end)

  --- Waits until exactly this has arrived.
  local function expect(text)
    world:wait(text, function()
      return #got >= #text
    end)
    assert.are.equal(text, got)
  end

  it("is in chunks with trailers", function()
    assert.is_true(http.respond(near, 200, nil, { "A", "b" }, true, NO_DATE))
    assert.is_true(http.piece(near, "hello"))
    assert.is_true(http.finish(near, { "T", "u" }))
    expect(
      "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: u\r\n\r\n"
    )
  end)

  it("does not announce to an HTTP/1.0 client chunks that it is not sent", function()
    local fields = { "Transfer-Encoding", "chunked", "A", "b" }
    assert.is_true(http.respond(near, 200, nil, fields, true, OLD + NO_DATE))
    assert.is_true(http.piece(near, "hello"))
    assert.is_true(http.finish(near))
    expect("HTTP/1.1 200 OK\r\nA: b\r\nConnection: close\r\n\r\nhello")
  end)

  it("has no trailers that could be taken for the framing", function()
    assert.is_true(http.respond(near, 200, nil, nil, true, NO_DATE))
    for _, name in ipairs({ "Content-Length", "transfer-encoding", "Host" }) do
      local sent, n, why = http.finish(near, { "T", "u", name, "5" })
      assert.are.same({ false, 4 }, { sent, n })
      assert.matches("^trailers have no ", why)
    end
    assert.is_true(http.finish(near))
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
  end)

  it("is refused with the number of the item that is wrong, and nothing leaves", function()
    local cases = {
      { 2, { "A", "b\r\nC: d" } },
      { 1, { "A b", "c" } },
      { 2, { "A" } },
      { 4, { "A", "b", "Content-Length", "+5" } },
      { 3, { "A", "b", 5, "c" } },
    }
    for _, case in ipairs(cases) do
      local sent, n = http.respond(near, 200, nil, case[2], "hello", NO_DATE)
      assert.are.same({ false, case[1] }, { sent, n })
    end
    assert.is_true(http.respond(near, 204, nil, nil, nil, NO_DATE))
    expect("HTTP/1.1 204 No Content\r\n\r\n")
  end)

  it("is no request beyond those whose answers can be told apart", function()
    local conn = world:connection((world:fd_pair()), http.parts({ role = "client" }))
    conn:SetHighWater(1024, nil, 64 * 1024 * 1024)
    for n = 1, 65536 do
      assert(http.request(conn, "HEAD", "/", { "Host", "x" }), n)
    end
    local sent, _, code = http.request(conn, "HEAD", "/", { "Host", "x" })
    assert.are.same({ nil, "ENOBUFS" }, { sent, code })
    assert.are.equal(0, conn:Send(chuck.packet.rawpacket("x")))
  end)
end)
