--- Servers that lie, stall, or never come to an end.
local chuck = require("chuck")
local hand = require("spec.helper.http_hand")
local tasks = require("spec.helper.tasks")

local co = chuck.co

--- The code of a request to a server that says these bytes, and then closes or not.
local function code_of(bytes, closes, options)
  local server = hand.say(bytes, closes)
  local client = hand.client()
  local response, message, code = client:Get(server.url, options)
  assert.is_nil(response, message)
  assert.is_string(message)
  assert.are.equal(0, client:Stats().connections)
  return code
end

local CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

describe("a server that lies", function()
  for name, bytes in pairs({
    ["about its length, too long"] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
    ["about the length of a large body"] = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n12345",
    ["in the middle of a chunk"] = CHUNKED .. "a\r\n12345",
    ["before the last chunk"] = CHUNKED .. "5\r\n12345\r\n",
    ["in the middle of its head"] = "HTTP/1.1 200 OK\r\nContent-",
  }) do
    it(
      "fails the request: it ends " .. name,
      tasks.spec(function()
        assert.are.equal("EHTTPPARSE", code_of(bytes, true))
      end)
    )
  end

  for name, bytes in pairs({
    ["no HTTP at all"] = "SSH-2.0-OpenSSH_9.6\r\n\r\n",
    ["a chunk without a size"] = CHUNKED .. "zz\r\n12345\r\n0\r\n\r\n",
    ["a chunk that is longer than its size"] = CHUNKED .. "2\r\n12345\r\n0\r\n\r\n",
    ["two lengths"] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12",
    ["a length and chunks"] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
      .. "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ["a negative length"] = "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    ["a status of two digits"] = "HTTP/1.1 20 OK\r\n\r\n",
    ["a field without a colon"] = "HTTP/1.1 200 OK\r\nnothing\r\n\r\n",
    ["a folded field"] = "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
  }) do
    it(
      "fails the request: it says " .. name,
      tasks.spec(function()
        assert.are.equal("EHTTPPARSE", code_of(bytes, false))
      end)
    )
  end

  it(
    "by ending without a word is told apart",
    tasks.spec(function()
      assert.are.equal("EOF", code_of("", true))
    end)
  )

  it(
    "by a head without end is left at the limit",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        stream:Write("HTTP/1.1 200 OK\r\n")
        local line = "X-More: " .. ("x"):rep(100) .. "\r\n"
        while stream:Write(line:rep(100)) do
          co.yield()
        end
        return "close"
      end)
      local client = hand.client()
      local _, _, code = client:Get(server.url)
      assert.are.equal("EHTTPTOOLARGE", code)
      assert.are.equal(
        "EHTTPTOOLARGE",
        code_of("HTTP/1.1 200 OK\r\n" .. ("a: b\r\n"):rep(200), false)
      )
    end)
  )

  it(
    "by a first line without end is left at the limit",
    tasks.spec(function()
      assert.are.equal("EHTTPTOOLARGE", code_of("HTTP/1.1 200 " .. ("x"):rep(20000), false))
    end)
  )

  it(
    "by answers of the kind 1xx without end is left at the limit",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        while stream:Write(("HTTP/1.1 102 Processing\r\n\r\n"):rep(10)) do
          co.yield()
        end
        return "close"
      end)
      local client = hand.client()
      local _, message, code = client:Get(server.url)
      assert.matches("1xx", message)
      assert.are.equal("EHTTPPARSE", code)
      assert.are.equal(0, client:Stats().connections)
    end)
  )

  it(
    "may say some of them",
    tasks.spec(function()
      local server = hand.say(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
          .. hand.answer(200, nil, "hello")
      )
      local client = hand.client()
      assert.are.equal("hello", assert(client:Get(server.url)):Body())
      assert.are.equal("hello", assert(client:Get(server.url)):Body())
      assert.are.equal(1, server.opened)
    end)
  )

  it(
    "by a body without end is left at the limit",
    tasks.spec(function()
      for _, head in ipairs({ "", "Content-Type: text/plain\r\n" }) do
        local server = hand.serve(function(stream)
          stream:Write("HTTP/1.1 200 OK\r\n" .. head .. "\r\n")
          local piece = ("x"):rep(65536)
          while stream:Write(piece) do
            co.yield()
          end
          return "close"
        end)
        local client = hand.client({ max_body = 1000000 })
        local _, message, code = client:Get(server.url)
        assert.matches("more than 1000000 bytes", message)
        assert.are.equal("EHTTPTOOLARGE", code)
        local response = assert(client:Get(server.url, { stream = true }))
        local _, _, later = response:Body(2000)
        assert.are.equal("EHTTPTOOLARGE", later)
        assert.are.equal(0, client:Stats().connections)
      end
    end)
  )

  it(
    "by announcing too much is left at once",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        stream:Write("HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n")
      end)
      local client = hand.client()
      local _, message, code = client:Get(server.url)
      assert.matches("10737418240", message)
      assert.are.equal("EHTTPTOOLARGE", code)
      assert.are.equal(0, client:Stats().connections)
      local response = assert(client:Get(server.url, { stream = true }))
      response:Close()
    end)
  )

  it(
    "by redirecting in a circle is left at the limit",
    tasks.spec(function()
      local server = hand.say(hand.answer(302, { "Location: /again" }))
      local client = hand.client()
      local response, message, code = client:Get(server.url)
      assert.is_nil(response)
      assert.matches("10 redirects", message)
      assert.are.equal("ELOOP", code)
      assert.are.equal(11, #server.requests)
      assert.are.equal("ELOOP", select(3, client:Get(server.url, { redirects = 2 })))
    end)
  )

  it(
    "by redirecting to nonsense fails the request",
    tasks.spec(function()
      local client = hand.client()
      for _, location in ipairs({ "ftp://a/b", "http://", "javascript:alert(1)", "http://a b/" }) do
        local server = hand.say(hand.answer(302, { "Location: " .. location }))
        local response, message, code = client:Get(server.url)
        assert.is_nil(response, location)
        assert.matches("redirect", message)
        assert.are.equal("EINVAL", code)
      end
    end)
  )

  it(
    "by a redirect with a body without end does not hold up the next",
    tasks.spec(function()
      local server = hand.serve(function(stream, request)
        if request.target == "/" then
          stream:Write(
            "HTTP/1.1 302 Found\r\nLocation: /next\r\nTransfer-Encoding: chunked\r\n\r\n"
          )
          while stream:Write("4000\r\n" .. ("x"):rep(0x4000) .. "\r\n") do
            co.yield()
          end
          return "close"
        end
        stream:Write(hand.answer(200, nil, "there"))
      end)
      assert.are.equal("there", assert(hand.client():Get(server.url)):Body())
    end)
  )
end)

describe("a server that stalls", function()
  --- A server that says something and no more, until its client has gone.
  local function stalling(bytes)
    return hand.serve(function(stream)
      stream:Write(bytes)
      stream:ReadAll()
      return "close"
    end)
  end

  it(
    "before its answer is left after first_byte_ms",
    tasks.spec(function()
      local server, client = stalling(""), hand.client({ first_byte_ms = 20 })
      local response, message, code = client:Get(server.url)
      assert.is_nil(response)
      assert.matches("no answer in 20 ms", message)
      assert.are.equal("ETIMEDOUT", code)
      assert.are.equal(0, client:Stats().connections)
    end)
  )

  it(
    "in its head is left too",
    tasks.spec(function()
      local server, client =
        stalling("HTTP/1.1 200 OK\r\nA: b"), hand.client({ first_byte_ms = 20 })
      assert.are.equal("ETIMEDOUT", select(3, client:Get(server.url)))
    end)
  )

  it(
    "in its body is left after read_ms",
    tasks.spec(function()
      local server, client = stalling(CHUNKED .. "5\r\n12345\r\n"), hand.client({ read_ms = 20 })
      local _, message, code = client:Get(server.url)
      assert.matches("nothing more of the body in 20 ms", message)
      assert.are.equal("ETIMEDOUT", code)
      local response = assert(client:Get(server.url, { stream = true }))
      assert.are.equal("12345", response:Read())
      assert.are.equal("ETIMEDOUT", select(3, response:Read()))
      assert.are.equal(0, client:Stats().connections)
    end)
  )

  it(
    "can be waited for again when the program itself has set the time",
    tasks.spec(function()
      local go = co.channel(1)
      local server = hand.serve(function(stream)
        stream:Write(CHUNKED .. "5\r\n12345\r\n")
        go:Recv()
        stream:Write("2\r\n67\r\n0\r\n\r\n")
      end)
      local response = assert(hand.client():Get(server.url, { stream = true }))
      assert.are.equal("12345", response:Read())
      assert.are.equal("ETIMEDOUT", select(3, response:Read(nil, 10)))
      go:Send(true)
      assert.are.equal("67", response:Read())
      assert.is_nil(response:Read())
    end)
  )

  it(
    "byte by byte is left when the whole has taken too long",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        stream:Write(CHUNKED)
        while stream:Write("1\r\nx\r\n") do
          co.sleep(2)
        end
        return "close"
      end)
      local client = hand.client({ timeout_ms = 60 })
      local _, _, code = client:Get(server.url)
      assert.are.equal("ETIMEDOUT", code)
      assert.are.equal(0, client:Stats().connections)
    end)
  )

  it(
    "in the body of a redirect does not hold up the next",
    tasks.spec(function()
      local server = hand.serve(function(stream, request)
        if request.target == "/" then
          stream:Write(
            "HTTP/1.1 302 Found\r\nLocation: /next\r\nTransfer-Encoding: chunked\r\n\r\n"
          )
          stream:ReadAll()
          return "close"
        end
        stream:Write(hand.answer(200, nil, "there"))
      end)
      local client = hand.client({ read_ms = 60000, timeout_ms = 60000 })
      assert.are.equal("there", assert(client:Get(server.url)):Body())
    end)
  )

  it(
    "through redirects is left when the whole has taken too long",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        co.sleep(10)
        stream:Write(hand.answer(302, { "Location: /" }))
      end)
      local client = hand.client({ timeout_ms = 40, redirects = 1000 })
      assert.are.equal("ETIMEDOUT", select(3, client:Get(server.url)))
    end)
  )

  it(
    "and does not read is left after write_ms",
    tasks.spec(function()
      local server = hand.serve(function()
        co.sleep(20000)
      end, { reads_body = false })
      local client = hand.client({ write_ms = 30, expect = false })
      local piece = ("x"):rep(65536)
      local _, message, code = client:Post(server.url, {
        body = function()
          return piece
        end,
      })
      assert.matches("wait to be sent", message)
      assert.are.equal("ETIMEDOUT", code)
      assert.are.equal(0, client:Stats().connections)
    end)
  )
end)

describe("a reset", function()
  it(
    "in each phase is an outcome, and leaves nothing behind",
    tasks.spec(function()
      local client = hand.client()
      for _, bytes in ipairs({
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        CHUNKED .. "5\r\n123",
      }) do
        local server = hand.serve(function(stream)
          stream:Write(bytes)
          stream:Close(0)
          return "close"
        end, { reads_body = false })
        local response, message, code =
          client:Post(server.url, { body = ("x"):rep(200000), expect = false })
        assert.is_nil(response)
        assert.is_string(message)
        assert.is_string(code)
      end
      assert.are.equal(0, client:Stats().connections)
    end)
  )
end)
