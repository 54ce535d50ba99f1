--- Messages of HTTP as packets: made, sent, received by a plain connection.
local chuck = require("chuck")

local check = require("spec.helper.check")
local net = require("spec.helper.net")

local packet, errors = chuck.packet, chuck.error
local http = chuck.decoder.connection.http
local request, response = packet.httprequest, packet.httpresponse

local HOST = { Host = "x" }

describe("an httppacket that is made", function()
  it("is a request", function()
    local p = request("POST", "/a?b=c", { { "Host", "x" }, { "X-N", 7 } }, "body")
    assert.are.same(
      { "POST", "/a?b=c", nil, "1.1", "body", true },
      { p:Method(), p:Url(), p:Status(), p:Version(), p:Content(), p:KeepAlive() }
    )
    assert.are.same({ { "Host", "x" }, { "X-N", "7" }, { "Content-Length", "4" } }, p:Headers())
    assert.are.equal(4, #p)
    assert.are.equal("httppacket (POST, 4 bytes)", tostring(p))
  end)

  it("is a response", function()
    local p = response(404, { ["Content-Type"] = "text/plain" }, packet.rawpacket("no"))
    assert.are.same(
      { 404, "Not Found", "1.1", "no", true },
      { p:Status(), p:Reason(), p:Version(), p:Content(), p:KeepAlive() }
    )
    assert.is_nil(p:Method())
    assert.is_nil(p:Url())
    assert.are.equal("2", p:Header("CONTENT-LENGTH"))
  end)

  it("is made of one table", function()
    local p = response({
      status = 299,
      reason = "Odd",
      version = "1.0",
      headers = { Connection = "keep-alive" },
      body = "x",
    })
    assert.are.same(
      { 299, "Odd", "1.0", true, "x" },
      { p:Status(), p:Reason(), p:Version(), p:KeepAlive(), p:Content() }
    )
    local asked = request({ method = "GET", url = "/", headers = HOST })
    assert.are.same({ "GET", "/", "x" }, { asked:Method(), asked:Url(), asked:Header("host") })
  end)

  it("has no body and says so", function()
    assert.is_nil(response(200):Content())
    assert.are.equal("0", response(200):Header("Content-Length"))
    assert.is_nil(response(204):Header("Content-Length"))
    assert.is_nil(response(304):Header("Content-Length"))
    assert.is_nil(request("GET", "/", HOST):Header("Content-Length"))
    assert.are.equal("0", request("POST", "/", HOST):Header("Content-Length"))
  end)

  it("answers HEAD with the size of what is not sent", function()
    local p = response(200, { ["Content-Length"] = 1000 })
    assert.are.equal("1000", p:Header("Content-Length"))
    assert.is_nil(p:Content())
  end)

  it("joins what is repeated", function()
    local p = response(200, { { "Vary", "A" }, { "X", "1" }, { "vary", "B" } })
    assert.are.equal("A, B", p:Header("Vary"))
    assert.is_nil(p:Header("Var"))
    local list = response(200, { Vary = { "A", "B" } })
    assert.are.equal("A, B", list:Header("vary"))
  end)

  it("is cloned, and shares nothing that could change", function()
    local p = response(200, nil, "x")
    local copy = packet.clone(p)
    assert.are.same({ 200, "x" }, { copy:Status(), copy:Content() })
    assert.is_false(pcall(packet.wpacket, p))
    assert.is_false(pcall(packet.rpacket, p))
  end)

  it("cannot be made of what would be read in two ways", function()
    local function refused(words, make, ...)
      local fine, why = pcall(make, ...)
      assert.is_false(fine)
      assert.is_truthy(tostring(why):find(words, 1, true), why)
    end
    for _, bad in ipairs({ "a\rb", "a\nb", "a\0b", "a\r\nX: y", "a\127" }) do
      refused("no CR, LF, NUL", response, 200, { A = bad })
      refused("no CR, LF, NUL", response, { status = 200, reason = bad })
      refused("letters, digits", response, 200, { [bad] = "x" })
      refused("visible ASCII", request, "GET", "/" .. bad, HOST)
      refused("letters, digits", request, bad, "/", HOST)
    end
    refused("letters, digits", response, 200, { ["a b"] = "x" })
    refused("letters, digits", response, 200, { [""] = "x" })
    refused(
      "Content-Length is 5, but the body has 1 bytes",
      response,
      200,
      { ["Content-Length"] = 5 },
      "x"
    )
    refused(
      "exclude each other",
      response,
      200,
      { { "Content-Length", 1 }, { "Transfer-Encoding", "chunked" } },
      "x"
    )
    refused(
      "one Content-Length",
      response,
      200,
      { { "Content-Length", 1 }, { "Content-Length", 1 } },
      "x"
    )
    refused("'chunked'", response, 200, { ["Transfer-Encoding"] = "gzip" }, "x")
    refused("has no body", response, 204, nil, "x")
    refused("one Host", request, "GET", "/")
    refused("one Host", request, "GET", "/", { { "Host", "a" }, { "Host", "b" } })
    refused("one Host", request, "GET", "no/path", HOST)
    refused("visible ASCII", request, "GET", "/a b", HOST)
    refused("visible ASCII", request, "GET", "/a#b", HOST)
    refused("headers: the value of 'A'", response, { status = 200, headers = { A = true } })
    refused("status: ", response, { status = 99 })
    refused("version: '1.0' or '1.1' expected", response, { status = 200, version = "2" })
    local chunked = { Host = "x", ["Transfer-Encoding"] = "chunked" }
    for _, make in ipairs({ request, response }) do
      refused("HTTP/1.0 has no Transfer-Encoding", make, {
        method = make == request and "POST" or nil,
        url = make == request and "/" or nil,
        status = make == response and 200 or nil,
        version = "1.0",
        headers = chunked,
        body = "x",
      })
    end
  end)
end)

describe("a connection with the decoder http", function()
  local world

  before_each(function()
    world = net.open()
  end)

  after_each(function()
    world:close()
  end)

  --- Two connections, of which the near one reads messages and the far one bytes.
  local function pair(...)
    local near, far = world:fd_pair()
    return world:connection(near, http(...)), world:connection(far)
  end

  --- Such a pair, and what both are told.
  local function reader(...)
    local near, far = pair(...)
    local told = { packets = {} }
    near:Add2Engine(world.engine, function(_, p, code, status)
      if p then
        told.packets[#told.packets + 1] = p
      else
        told.codes = (told.codes or "") .. code .. ":" .. tostring(status) .. " "
      end
    end)
    far:Add2Engine(world.engine, function(_, p, code)
      told.answer = (told.answer or "") .. (p and p:ReadBin() or "<" .. code .. ">")
    end)
    return near, far, told
  end

  local function raw(conn, text)
    assert.are.equal(0, conn:Send(packet.rawpacket(text)))
  end

  it("receives what was sent, in chunks and with trailers too", function()
    local _, far, told = reader(65536)
    raw(far, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
    raw(far, "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    raw(far, "2\r\nde\r\n1;x=y\r\nf\r\n0\r\nSum: 1\r\n\r\n")
    raw(far, "GET /c HTTP/1.0\r\n\r\n")
    world:wait("three requests", function()
      return #told.packets == 3
    end)
    local a, b, c = check.unpack(told.packets)
    assert.are.same({ "/a", "abc" }, { a:Url(), a:Content() })
    assert.are.same({ "/b", "def" }, { b:Url(), b:Content() })
    assert.are.same({ { "Sum", "1" } }, b:Trailers())
    assert.are.same({ "1.0", false }, { c:Version(), c:KeepAlive() })
    assert.are.same({}, c:Trailers())
  end)

  it("sends on what it has received, chunks as chunks", function()
    local near, far, told = reader(65536)
    raw(far, "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    raw(far, "1\r\na\r\n1\r\nb\r\n0\r\nT: u\r\n\r\n")
    world:wait("it", function()
      return told.packets[1]
    end)
    assert.are.equal(0, near:Send(told.packets[1]))
    local expected = "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "2\r\nab\r\n0\r\nT: u\r\n\r\n"
    world:wait("it again", function()
      return told.answer == expected
    end)
  end)

  it("receives a body that goes on until the peer's end", function()
    local _, far, told = reader(65536)
    raw(far, "HTTP/1.1 200 OK\r\n\r\nall ")
    raw(far, "of it")
    far:ShutdownWrite()
    world:wait("the end", function()
      return told.codes
    end)
    assert.are.equal("0:nil ", told.codes)
    assert.are.same(
      { "all of it", false },
      { told.packets[1]:Content(), told.packets[1]:KeepAlive() }
    )
  end)

  it("knows that an answer to HEAD has no body", function()
    local near, far, told = reader(65536)
    assert.are.equal(0, near:Send(request("HEAD", "/", HOST)))
    assert.are.equal(0, near:Send(request("GET", "/", HOST)))
    raw(far, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    raw(far, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    world:wait("both", function()
      return #told.packets == 2
    end)
    assert.is_nil(told.packets[1]:Content())
    assert.are.equal("ok", told.packets[2]:Content())
  end)

  it("tells what a server answers to what is none, and lets that answer leave", function()
    local cases = {
      { "GET / HTTP/1.1\r\n\r\n", errors.EHTTPPARSE, 400 },
      { "GET / HTTP/3.0\r\n\r\n", errors.EHTTPPARSE, 505 },
      { "GET /" .. ("a"):rep(300) .. " HTTP/1.1\r\n", errors.EHTTPTOOLARGE, 414 },
      { "GET / HTTP/1.1\r\nA: " .. ("a"):rep(300), errors.EHTTPTOOLARGE, 431 },
      {
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n",
        errors.EHTTPTOOLARGE,
        413,
      },
    }
    for _, case in ipairs(cases) do
      local near, far = pair(256)
      local seen, answer = nil, ""
      near:Add2Engine(world.engine, function(_, p, code, status)
        assert(p == nil and seen == nil)
        seen = { code, status }
        near:Send(response(status, { Connection = "close" }, "no"))
      end)
      far:Add2Engine(world.engine, function(_, p, code)
        answer = answer .. (p and p:ReadBin() or "<" .. code .. ">")
      end)
      raw(far, case[1])
      world:wait("the end", function()
        return answer:find("<0>", 1, true)
      end)
      assert.are.same({ case[2], case[3] }, seen)
      assert.is_truthy(answer:find("^HTTP/1.1 " .. case[3] .. " .*\r\n\r\nno<0>$"), answer)
    end
  end)

  it("closes itself after what is none, also when that callback stops the engine", function()
    local near, far = pair(65536)
    near:Add2Engine(world.engine, function(_, p)
      assert(p == nil)
      world.engine:Stop()
    end)
    local ended
    far:Add2Engine(world.engine, function(_, p)
      ended = not p
    end)
    raw(far, "GET / HTTP/1.1\r\n\r\n")
    world:wait("the end", function()
      return ended
    end)
  end)

  it("tells a client that waits with its body to go on", function()
    for _, framing in ipairs({ "Content-Length: 3", "Transfer-Encoding: chunked" }) do
      local near, far = pair(1000)
      local answer = ""
      near:Add2Engine(world.engine, function(conn, p, code, status)
        conn:Send(response(p and 200 or status, nil, p and p:Content() or code .. ""))
      end)
      far:Add2Engine(world.engine, function(_, p)
        answer = answer .. (p and p:ReadBin() or "")
      end)
      raw(far, "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" .. framing .. "\r\n\r\n")
      world:wait("100", function()
        return answer == "HTTP/1.1 100 Continue\r\n\r\n"
      end)
      raw(far, framing:find("chunked") and "3\r\nabc\r\n0\r\n\r\n" or "abc")
      world:wait("200", function()
        return answer:find("100 Continue\r\n\r\nHTTP/1.1 200 OK.*\r\n\r\nabc$")
      end)
    end
  end)

  it("does not ask for a body that it would refuse, or that is there", function()
    local cases = {
      { "Content-Length: 9999", "", "^HTTP/1.1 413 " },
      { "Content-Length: 3", "abc", "^HTTP/1.1 200 " },
      { "Content-Length: 0", "", "^HTTP/1.1 200 " },
    }
    for _, case in ipairs(cases) do
      local near, far = pair(1000)
      local answer = ""
      near:Add2Engine(world.engine, function(conn, p, _, status)
        conn:Send(response(p and 200 or status))
      end)
      far:Add2Engine(world.engine, function(_, p)
        answer = answer .. (p and p:ReadBin() or "")
      end)
      local head = "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" .. case[1] .. "\r\n\r\n"
      raw(far, head .. case[2])
      world:wait("an answer", function()
        return answer ~= ""
      end)
      assert.matches(case[3], answer)
    end
  end)

  it("stops reading behind 101, whatever a peer sends", function()
    local _, far, told = reader(65536)
    far:SetHighWater(1024, nil, 64 * 1024 * 1024)
    raw(far, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
    world:wait("it", function()
      return told.packets[1]
    end)
    for _ = 1, 16 do
      raw(far, ("x"):rep(1024 * 1024))
      world:run(1)
    end
    -- What the kernel holds between two sockets is a few megabytes.
    assert.is_true(far:QueuedBytes() > 8 * 1024 * 1024, far:QueuedBytes())
    assert.are.equal(1, #told.packets)
    assert.is_nil(told.codes)
  end)

  it("refuses a request when nobody could tell any more what its answer answers", function()
    local near = pair(65536)
    near:SetHighWater(1024, nil, 64 * 1024 * 1024)
    local asked = request("HEAD", "/", HOST)
    for n = 1, 65536 do
      local sent = near:Send(asked)
      assert(sent == 0, n)
    end
    assert.are.equal(-errors.ENOBUFS, near:Send(asked))
    assert.are.equal(0, near:Send(response(200)))
  end)

  it("tells a message that is cut short by the peer's end", function()
    local _, far, told = reader(65536)
    raw(far, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    far:ShutdownWrite()
    world:wait("the end", function()
      return told.codes
    end)
    assert.are.equal("156:400 ", told.codes)
    assert.are.equal(0, #told.packets)
  end)

  it("keeps limits that are inclusive, of head and body each or together", function()
    local head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    local cases = {
      { 1, #head + 3 },
      { 0, #head + 2 },
      { 1, #head, 3 },
      { 0, #head, 2 },
      { 0, #head - 1, 3 },
    }
    for n, case in ipairs(cases) do
      local _, far, told = reader(case[2], case[3])
      raw(far, head .. "abc")
      world:wait("an outcome", function()
        return told.packets[1] or told.codes
      end)
      assert.are.equal(case[1], #told.packets, n)
    end
  end)

  it("receives a large body whole, from pieces", function()
    local _, far, told = reader(4000, 4000000)
    local body = net.pattern(3000000)
    assert.are.equal(0, far:Send(request("PUT", "/", HOST, body)))
    world:wait("it", function()
      return told.packets[1]
    end)
    net.assert_same_bytes(body, told.packets[1]:Content())
  end)

  it("survives a callback that closes it between two messages", function()
    local near, far = pair(65536)
    local calls = 0
    near:Add2Engine(world.engine, function()
      calls = calls + 1
      near:Close()
      collectgarbage()
    end)
    local ended
    far:Add2Engine(world.engine, function(_, p)
      ended = ended or not p
    end)
    raw(far, ("GET / HTTP/1.1\r\nHost: x\r\n\r\n"):rep(10))
    world:wait("the end", function()
      return ended
    end)
    assert.are.equal(1, calls)
  end)

  it("tells the other messages after a callback that raised", function()
    local near, far = pair(65536)
    local calls = 0
    near:Add2Engine(world.engine, function()
      calls = calls + 1
      error("mine")
    end)
    far:Add2Engine(world.engine, function() end)
    raw(far, ("GET / HTTP/1.1\r\nHost: x\r\n\r\n"):rep(3))
    world.keeps_errors = true
    world:wait("all of them", function()
      return calls == 3
    end)
    assert.are.equal(3, #world:take_errors())
  end)
end)
