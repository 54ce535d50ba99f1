--- Bodies that come compressed, and those that come to be bombs.
local chuck = require("chuck")
local hand = require("spec.helper.http_hand")
local native = require("chuck.native")
local net = require("spec.helper.net")
local tasks = require("spec.helper.tasks")

local co = chuck.co

local function compress(text, ...)
  for _, coding in ipairs({ ... }) do
    local compressor = native.web.compressor(coding)
    text = compressor:Feed(text, "finish")
  end
  return text
end

--- A server that says `body` in codings, `size` bytes at a time.
local function coded(codings, body, size)
  return hand.serve(function(stream)
    stream:Write(
      ("HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n"):format(
        codings,
        #body
      )
    )
    for at = 1, #body, size or #body do
      if not stream:Write(body:sub(at, at + (size or #body) - 1)) then
        return "close"
      end
      co.yield()
    end
  end)
end

describe("a compressed body", function()
  local text = net.pattern(200000)

  for _, coding in ipairs({ "gzip", "x-gzip", "deflate", "br" }) do
    it(
      "of " .. coding .. " is what it was before, collected and streamed",
      tasks.spec(function()
        local body = compress(text, (coding:gsub("x%-", "")))
        assert(#body < #text)
        local server, client = coded(coding, body, 7001), hand.client()
        net.assert_same_bytes(text, assert(client:Get(server.url)):Body())
        local response = assert(client:Get(server.url, { stream = true }))
        local parts = {}
        local piece = response:Read()
        while piece do
          parts[#parts + 1] = piece
          piece = response:Read()
        end
        net.assert_same_bytes(text, table.concat(parts))
        assert.are.equal(1, client:Stats().idle)
        assert.are.equal("gzip, deflate, br", server.requests[1].fields["accept-encoding"])
      end)
    )
  end

  it(
    "in several codings is decoded in turn",
    tasks.spec(function()
      local server = coded("deflate, gzip", compress(text, "deflate", "gzip"))
      net.assert_same_bytes(text, assert(hand.client():Get(server.url)):Body())
      local deep = coded("gzip, gzip, gzip, gzip", "x")
      assert.are.equal("EHTTPTOOLARGE", select(3, hand.client():Get(deep.url)))
    end)
  )

  it(
    "stays as it is when the program wants that, or nobody knows the coding",
    tasks.spec(function()
      local body = compress(text, "gzip")
      local server, client = coded("gzip", body), hand.client()
      net.assert_same_bytes(body, assert(client:Get(server.url, { decode = false })):Body())
      assert.is_nil(server.requests[1].fields["accept-encoding"])
      assert.are.equal("x", assert(client:Get(coded("zstd", "x").url)):Body())
      assert.are.equal("x", assert(client:Get(coded("identity", "x").url)):Body())
    end)
  )

  it(
    "may be empty",
    tasks.spec(function()
      assert.are.equal("", assert(hand.client():Get(coded("gzip", "").url)):Body())
    end)
  )

  it(
    "that is broken, or cut short, fails the request",
    tasks.spec(function()
      local body = compress(text, "gzip")
      for _, broken in ipairs({ "no gzip at all, really not", body:sub(1, -20) }) do
        local server, client = coded("gzip", broken), hand.client()
        local response, message, code = client:Get(server.url)
        assert.is_nil(response)
        assert.matches("decoded", message)
        assert.are.equal("EHTTPPARSE", code)
      end
    end)
  )

  it(
    "that grows beyond the limit is left there",
    tasks.spec(function()
      local zeros = ("\0"):rep(8 * 1024 * 1024)
      for _, coding in ipairs({ "gzip", "deflate", "br" }) do
        local server = coded(coding, compress(zeros, coding))
        local client = hand.client({ max_body = 1024 * 1024 })
        local response, _, code = client:Get(server.url)
        assert.is_nil(response)
        assert.are.equal("EHTTPTOOLARGE", code)
        assert.are.equal(0, client:Stats().connections - client:Stats().idle)
      end
    end)
  )

  it(
    "that is streamed is left there as well, unless the program has set another limit",
    tasks.spec(function()
      local zeros = ("\0"):rep(4 * 1024 * 1024)
      local server = coded("br", compress(zeros, "br"))
      local client = hand.client({ max_body = 1024 * 1024 })
      local response = assert(client:Get(server.url, { stream = true }))
      local piece, _, code = response:Read()
      while piece do
        piece, _, code = response:Read()
      end
      assert.are.equal("EHTTPTOOLARGE", code)
      response = assert(client:Get(server.url, { stream = true, max_body = #zeros }))
      assert.are.equal(#zeros, #assert(response:Body()))
    end)
  )
end)
