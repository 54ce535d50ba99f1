--- Requests: what is sent, what is made of the answer.
local chuck = require("chuck")
local child = require("spec.helper.child")
local hand = require("spec.helper.http_hand")
local net = require("spec.helper.net")
local tasks = require("spec.helper.tasks")

local co, http, io_ = chuck.co, chuck.http, chuck.io

--- An answer of which a part is there.
local PART = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"

--- A server that says hello, and a client.
local function hello(options)
  local server = hand.serve(function(stream, request)
    if request.method == "HEAD" then
      stream:Write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    else
      stream:Write(hand.answer(200, nil, "hello"))
    end
  end)
  return server, hand.client(options)
end

describe("a request", function()
  it(
    "gives status, fields in any case, and body",
    tasks.spec(function()
      local server = hand.say(
        "HTTP/1.1 404 Not There\r\nX-One: 1\r\nx-two: a\r\nX-Two: b\r\n"
          .. "Content-Length: 4\r\n\r\ngone"
      )
      local response = assert(hand.client():Get(server.url .. "/a?b=c"))
      assert.are.equal("GET /a?b=c HTTP/1.1", server.requests[1].line)
      assert.are.same(
        { 404, "Not There", "1.1", false },
        { response.status, response.reason, response.version, response.is_ok }
      )
      assert.are.equal("1", response.headers["x-ONE"])
      assert.are.equal("a, b", response:Header("X-TWO"))
      assert.are.same({ "a", "b" }, response:Headers("x-two"))
      assert.are.same({ "X-One", "1" }, response:Headers()[1])
      assert.is_nil(response.headers.nothing)
      assert.are.equal("gone", response:Body())
      assert.are.equal("gone", response:Body())
    end)
  )

  it(
    "says Host, and the port only where it is needed",
    tasks.spec(function()
      local server, client = hello()
      client:Get(server.url)
      assert.are.equal(server.address, server.requests[1].fields.host)
      client:Get("http://localhost/", { address = server.address })
      assert.are.equal("localhost", server.requests[2].fields.host)
      client:Get("http://[::1]:81/", { address = server.address })
      assert.are.equal("[::1]:81", server.requests[3].fields.host)
    end)
  )

  it(
    "adds a query, from names or from pairs",
    tasks.spec(function()
      local server, client = hello()
      client:Get(server.url .. "/?x=1#top", { query = { a = "b c", list = { 1, 2 } } })
      client:Get(server.url, { query = { { "z", "&" }, { "a", "=" } } })
      assert.matches("^GET /%?x=1&a=b[+%%][20]*c&list=1&list=2 ", server.requests[1].line)
      assert.are.equal("GET /?z=%26&a=%3D HTTP/1.1", server.requests[2].line)
    end)
  )

  it(
    "escapes what cannot stand in a URL, and refuses controls",
    tasks.spec(function()
      local server, client = hello()
      assert(client:Get(server.url .. "/ä b"))
      assert.are.equal("GET /%C3%A4%20b HTTP/1.1", server.requests[1].line)
      for _, url in ipairs({ server.url .. "/\r\nX: y", "http:///x", "ftp://x/", "nothing", "" }) do
        local response, message, code = client:Get(url)
        assert.is_nil(response)
        assert.is_string(message)
        assert.are.equal("EINVAL", code, url)
      end
      assert.are.equal(1, #server.requests)
    end)
  )

  it(
    "sends a text, a form and JSON with their types",
    tasks.spec(function()
      local server, client = hello()
      client:Post(server.url, { body = "text", headers = { ["Content-Type"] = "text/plain" } })
      client:Post(server.url, { form = { a = "1 2", b = "&" } })
      client:Put(server.url, { json = { x = 1 } })
      local text, form, json = server.requests[1], server.requests[2], server.requests[3]
      assert.are.same({ "text", "text/plain" }, { text.body, text.fields["content-type"] })
      assert.matches("^a=1[+%%][20]*2&b=%%26$", form.body)
      assert.are.equal("application/x-www-form-urlencoded", form.fields["content-type"])
      assert.are.same({ '{"x":1}', "application/json" }, { json.body, json.fields["content-type"] })
      assert.are.equal("PUT", json.method)
    end)
  )

  it(
    "announces an empty body where one is expected",
    tasks.spec(function()
      local server, client = hello()
      client:Post(server.url)
      client:Get(server.url)
      assert.are.equal("0", server.requests[1].fields["content-length"])
      assert.is_nil(server.requests[2].fields["content-length"])
    end)
  )

  it(
    "puts fields of the request in place of those of the client",
    tasks.spec(function()
      local server, client =
        hello({ headers = { ["X-Own"] = "client", ["X-Kept"] = "kept", ["User-Agent"] = "me" } })
      client:Get(server.url, { headers = { { "x-own", "one" }, { "X-Own", "two" } } })
      local fields = server.requests[1].fields
      assert.are.same(
        { "one, two", "kept", "me" },
        { fields["x-own"], fields["x-kept"], fields["user-agent"] }
      )
    end)
  )

  it(
    "finds its URL beside that of the client",
    tasks.spec(function()
      local server = hello()
      local client = hand.client({ base_url = server.url .. "/api/v1/" })
      for _, url in ipairs({ "users", "/top", "?q=1", server.url .. "/whole" }) do
        assert(client:Get(url))
      end
      local lines = {}
      for i, request in ipairs(server.requests) do
        lines[i] = request.target
      end
      assert.are.same({ "/api/v1/users", "/top", "/api/v1/?q=1", "/whole" }, lines)
    end)
  )

  it(
    "has no body for HEAD, 204 and 304",
    tasks.spec(function()
      local server, client = hello()
      local response = assert(client:Head(server.url))
      assert.are.same({ "", "5" }, { response:Body(), response.headers["content-length"] })
      for _, status in ipairs({ 204, 304 }) do
        local empty = hand.say(("HTTP/1.1 %d X\r\n\r\n"):format(status))
        local got = assert(client:Get(empty.url))
        assert.are.same({ status, "" }, { got.status, got:Body() })
        assert(client:Get(empty.url))
        assert.are.equal(1, empty.opened)
      end
    end)
  )

  it(
    "knows trailers, once the body has ended",
    tasks.spec(function()
      local server = hand.say(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n"
      )
      local response = assert(hand.client():Get(server.url))
      assert.are.same({ { "X-Sum", "7" } }, response:Trailers())
      assert.are.equal("hi", response:Body())
    end)
  )

  it(
    "sends what a request says about credentials in place of what its client says",
    tasks.spec(function()
      local server = hand.say(hand.answer(200))
      local with_basic = hand.client({ basic = { "a", "b" } })
      with_basic:Get(server.url, { bearer = "abc" })
      with_basic:Get(server.url)
      local with_field = hand.client({ headers = { Authorization = "Other" } })
      with_field:Get(server.url, { bearer = "abc" })
      with_field:Get(server.url)
      local expected = { "Bearer abc", "Basic YTpi", "Bearer abc", "Other" }
      for i, request in ipairs(server.requests) do
        assert.are.equal(expected[i], request.fields.authorization)
      end
    end)
  )

  it(
    "sends user and password, from options and from the URL, and bearer",
    tasks.spec(function()
      local server, client = hello()
      client:Get(server.url, { basic = { "Aladdin", "open sesame" } })
      client:Get("http://Aladdin:open%20sesame@" .. server.address)
      client:Get(server.url, { bearer = "abc" })
      local expected = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
      assert.are.equal(expected, server.requests[1].fields.authorization)
      assert.are.equal(expected, server.requests[2].fields.authorization)
      assert.are.equal("Bearer abc", server.requests[3].fields.authorization)
    end)
  )

  it(
    "keeps secrets of the URL out of messages",
    tasks.spec(function()
      local client = hand.client()
      local response, message = client:Get("http://me:secret@127.0.0.1:1/")
      assert.is_nil(response)
      assert.is_nil(message:find("secret", 1, true))
      assert.are.equal("GET http://127.0.0.1:1/: ", message:sub(1, 25))
    end)
  )

  it(
    "can be made without a client",
    tasks.spec(function()
      local server = hello()
      assert.are.equal("hello", http.get(server.url):Body())
      assert.are.equal("hello", http.request({ url = server.url, method = "PURGE" }):Body())
      assert.are.equal("hello", http.post(server.url, { body = "x" }):Body())
      assert.are.equal("hello", http.put(server.url):Body())
      assert.are.equal("hello", http.patch(server.url):Body())
      assert.are.equal("hello", http.delete(server.url):Body())
      assert.are.equal(200, http.head(server.url).status)
      assert.are.equal("PURGE / HTTP/1.1", server.requests[2].line)
      assert.are.equal(1, server.opened)
    end)
  )

  it(
    "tells a callback, also outside of tasks",
    tasks.spec(function()
      local server, client = hello()
      local got, failed
      client:RequestAsync(function(response, message, code)
        got = { response and response:Body(), message, code }
      end, server.url)
      client:RequestAsync(function(response, message, code)
        failed = { response, message, code }
      end, { url = "http://127.0.0.1:1/" })
      tasks.wait("both answers", function()
        return got and failed
      end)
      assert.are.same({ "hello" }, got)
      assert.are.equal("ECONNREFUSED", failed[3])
    end)
  )

  it(
    "lets hooks see and change what is sent, and see what has come",
    tasks.spec(function()
      local server = hello()
      local seen = {}
      local client = hand.client({
        on_request = function(request)
          seen[#seen + 1] = request.method .. " " .. request.url
          request:SetHeader("X-Hook", "set")
          request:SetHeader("User-Agent", nil)
          assert.are.equal("*/*", request:Header("ACCEPT"))
        end,
        on_response = function(response, request)
          seen[#seen + 1] = response.status .. " " .. request.method
        end,
      })
      assert(client:Get(server.url))
      assert.are.same({ "GET " .. server.url .. "/", "200 GET" }, seen)
      assert.are.equal("set", server.requests[1].fields["x-hook"])
      assert.is_nil(server.requests[1].fields["user-agent"])
    end)
  )

  it(
    "raises what a hook raises, and closes its connection",
    tasks.spec(function()
      local server = hello()
      local client = hand.client({
        on_response = function()
          error("no more", 0)
        end,
      })
      assert.are.same({ false, "no more" }, { co.pcall(client.Get, client, server.url) })
      local stats = client:Stats()
      assert.are.same({ 0, 0 }, { stats.active, stats.connections - stats.idle })
    end)
  )

  it(
    "lets client and response be closed inside of hooks and callbacks",
    tasks.spec(function()
      local server = hello()
      local client = hand.client()
      local response, _, code = client:Get(server.url, {
        on_response = function(answer)
          answer:Close()
        end,
      })
      assert.is_nil(response)
      assert.are.equal("ESOCKCLOSE", code)
      _, _, code = client:Get(server.url, {
        on_request = function()
          client:Close()
        end,
      })
      assert.are.equal("ESOCKCLOSE", code)
      local other, done = hand.client(), false
      other:RequestAsync(function(answer)
        assert.are.equal("hello", answer:Body())
        other:Close()
        done = true
      end, server.url)
      tasks.wait("the callback", function()
        return done
      end)
      assert.are.equal(0, other:Stats().connections)
    end)
  )

  it(
    "may be made inside of a callback, a hook, and the function of a body",
    tasks.spec(function()
      local server, client = hello({ expect = false, max_connections = 2 })
      local inner
      assert(client:Get(server.url, {
        on_request = function()
          inner = assert(client:Get(server.url)):Body()
        end,
      }))
      assert.are.equal("hello", inner)
      local n = 0
      assert(client:Post(server.url, {
        body = function()
          n = n + 1
          return n == 1 and assert(client:Get(server.url)):Body() or nil
        end,
      }))
      assert.are.equal("hello", server.requests[#server.requests].body)
    end)
  )

  it(
    "finds the address of a name that answers",
    tasks.spec(function()
      local server, client = hello()
      assert.are.equal("hello", assert(client:Get("http://localhost:" .. server.port)):Body())
      local url = "http://localhost:" .. server.port
      assert.are.equal("hello", assert(hand.client({ family = "inet" }):Get(url)):Body())
    end)
  )

  it(
    "says that there is no TLS yet, in one way",
    tasks.spec(function()
      local response, message, code = hand.client():Get("https://127.0.0.1:1/")
      assert.is_nil(response)
      assert.matches("^GET https://127.0.0.1:1/: https needs TLS", message)
      assert.are.equal("ENOSYS", code)
    end)
  )

  it(
    "hands the connection over when the server changes the protocol",
    tasks.spec(function()
      local server = hand.serve(function(stream, request)
        if request.fields.upgrade then
          stream:Write(
            "HTTP/1.1 101 Switching\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\nwelcome\n"
          )
          stream:Write(stream:ReadLine():upper() .. "\n")
        else
          stream:Write("HTTP/1.1 101 Switching\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n")
        end
        return "close"
      end)
      local client = hand.client()
      local upgrade = { headers = { Upgrade = "chat", Connection = "Upgrade" } }
      local response = assert(client:Get(server.url, upgrade))
      assert.are.equal(101, response.status)
      local stream = tasks.own(assert(response:Hijack()))
      assert.are.equal("welcome", stream:ReadLine(100, 5000))
      stream:Write("hello\n")
      assert.are.equal("HELLO", stream:ReadLine(100, 5000))
      assert.are.equal("ESOCKCLOSE", select(3, response:Hijack()))
      assert.are.equal(0, client:Stats().connections)
      assert.are.equal("EHTTPPARSE", select(3, client:Get(server.url)))
      response = assert(client:Get(server.url, upgrade))
      response:Close()
      assert.are.equal(0, client:Stats().connections)
    end)
  )

  it(
    "speaks through a Unix socket",
    tasks.spec(function()
      local path = os.tmpname()
      os.remove(path)
      local line
      local listener = tasks.own(assert(io_.listen("unix:" .. path, function(stream)
        line = hand.read(stream).line
        stream:Write(hand.answer(200, nil, "local"))
      end)))
      local response =
        assert(hand.client():Get("http://docker/info", { address = "unix:" .. path }))
      assert.are.same({ "local", "GET /info HTTP/1.1" }, { response:Body(), line })
      listener:Close(0)
      os.remove(path)
    end)
  )
end)

describe("a streamed answer", function()
  it(
    "is read piece by piece, and then its connection is free",
    tasks.spec(function()
      local server, client = hello()
      local response = assert(client:Get(server.url, { stream = true }))
      assert.are.equal("hel", response:Read(3))
      assert.are.equal("lo", response:Read())
      assert.is_nil(response:Read())
      assert.is_nil(response:Read())
      assert.are.equal(1, client:Stats().idle)
    end)
  )

  it(
    "makes the server wait while nobody reads",
    tasks.spec(function()
      local size, written = 32 * 1024 * 1024, 0
      local server = hand.serve(function(stream)
        stream:Write(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(size))
        local piece = ("x"):rep(65536)
        while written < size do
          stream:Write(piece)
          written = written + #piece
        end
      end)
      local client = hand.client()
      local response = assert(client:Get(server.url, { stream = true }))
      co.sleep(50)
      local before = written
      co.sleep(50)
      assert.are.equal(before, written)
      assert(written < size, "all was taken though nobody reads")
      local received = 0
      local piece = response:Read()
      while piece do
        received = received + #piece
        piece = response:Read()
      end
      assert.are.equal(size, received)
    end)
  )

  it(
    "can be collected later, and closed before its end",
    tasks.spec(function()
      local server, client = hello()
      local response = assert(client:Get(server.url, { stream = true }))
      assert.are.equal("he", response:Read(2))
      assert.are.equal("llo", response:Body())
      local slow = hand.serve(function(stream)
        stream:Write(PART)
      end)
      response = assert(client:Get(slow.url, { stream = true }))
      assert.are.equal("12345", response:Read())
      response:Close()
      response:Close()
      local piece, message, code = response:Read()
      assert.is_nil(piece)
      assert.is_string(message)
      assert.are.equal("ESOCKCLOSE", code)
      tasks.wait("the server to see the end", function()
        return slow.open == 0
      end)
    end)
  )

  it(
    "goes to a file, which is there once it is whole",
    tasks.spec(function()
      local server, client = hello()
      local path = os.tmpname()
      os.remove(path)
      assert.are.equal(5, assert(client:Get(server.url, { stream = true })):SaveTo(path))
      local file = assert(io.open(path, "rb"))
      assert.are.equal("hello", file:read("*a"))
      file:close()
      os.remove(path)
      local short = hand.say(PART, true)
      local size, message, code = assert(client:Get(short.url, { stream = true })):SaveTo(path)
      assert.is_nil(size)
      assert.is_string(message)
      assert.are.equal("EHTTPPARSE", code)
      assert.is_nil(io.open(path))
      assert.is_nil(io.open(path .. ".part"))
    end)
  )

  it(
    "that is forgotten gives its connection up",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        stream:Write(PART)
      end)
      local client = hand.client()
      local response = client:Get(server.url, { stream = true })
      assert.are.equal(200, response.status)
      response = nil -- luacheck: ignore
      tasks.wait("the collector", function()
        collectgarbage()
        return client:Stats().connections == 0
      end)
    end)
  )
end)

describe("an upload", function()
  local function pieces(...)
    local list, n = { ... }, 0
    return function()
      n = n + 1
      return list[n]
    end
  end

  it(
    "of a function goes in chunks, or as it was announced",
    tasks.spec(function()
      local server, client = hello({ expect = false })
      assert(client:Post(server.url, { body = pieces("one", "", "two") }))
      assert(client:Post(server.url, { body = pieces("one", "two"), length = 6 }))
      assert.are.same({ "onetwo", "chunked" }, {
        server.requests[1].body,
        server.requests[1].fields["transfer-encoding"],
      })
      assert.are.same({ "onetwo", "6" }, {
        server.requests[2].body,
        server.requests[2].fields["content-length"],
      })
    end)
  )

  it(
    "sends trailers behind chunks",
    tasks.spec(function()
      local server, client = hello({ expect = false })
      assert(client:Post(server.url, { body = pieces("x"), trailers = { ["X-Sum"] = "1" } }))
      assert.are.same({ "X-Sum: 1" }, server.requests[1].trailers)
    end)
  )

  it(
    "that is not what was announced fails, and its connection is closed",
    tasks.spec(function()
      local server, client = hello({ expect = false })
      for _, length in ipairs({ 5, 7 }) do
        local response, message, code =
          client:Post(server.url, { body = pieces("one", "two"), length = length })
        assert.is_nil(response)
        assert.matches("body", message)
        assert.are.equal("EINVAL", code)
      end
      assert.are.equal(0, client:Stats().connections)
    end)
  )

  it(
    "tells what its function has to say",
    tasks.spec(function()
      local server, client = hello({ expect = false })
      local _, message, code = client:Post(server.url, {
        body = function()
          return nil, "the disk is gone", "EIO"
        end,
      })
      assert.matches("the disk is gone", message)
      assert.are.equal("EIO", code)
      _, message, code = client:Post(server.url, {
        body = function()
          return 7
        end,
      })
      assert.matches("strings", message)
      assert.are.equal("EINVAL", code)
      assert.are.same({ false, "raised" }, {
        co.pcall(client.Post, client, server.url, {
          body = function()
            error("raised", 0)
          end,
        }),
      })
      assert.are.equal(0, client:Stats().connections)
    end)
  )

  it(
    "copies a stream",
    tasks.spec(function()
      local server, client = hello({ expect = false })
      local near, far = tasks.pair()
      far:Write("from afar")
      far:Shutdown()
      assert(client:Post(server.url, { body = near }))
      assert.are.equal("from afar", server.requests[1].body)
    end)
  )

  it(
    "sends on what another server says, and fails when that fails",
    tasks.spec(function()
      local server, client = hello({ expect = false })
      local from = assert(client:Get(server.url, { stream = true }))
      assert(client:Post(server.url, { body = from, headers = { ["X-Own"] = "1" } }))
      assert.are.equal("hello", server.requests[2].body)
      local short = hand.say(PART, true)
      from = assert(client:Get(short.url, { stream = true }))
      local response, _, code = client:Post(server.url, { body = from })
      assert.is_nil(response)
      assert.are.equal("EHTTPPARSE", code)
      assert.are.equal(2, #server.requests)
    end)
  )

  it(
    "is framed by the client alone, whatever fields say",
    tasks.spec(function()
      local server, client = hello({ expect = false })
      local headers =
        { ["Content-Length"] = "3", ["transfer-encoding"] = "chunked", ["X-Own"] = "1" }
      assert(client:Post(server.url, { body = "hello", headers = headers }))
      assert(client:Get(server.url, { headers = headers }))
      local fields = server.requests[1].fields
      assert.are.same({ "5", "1" }, { fields["content-length"], fields["x-own"] })
      assert.is_nil(fields["transfer-encoding"])
      assert.is_nil(server.requests[2].fields["content-length"])
    end)
  )

  it(
    "waits for a server that reads slowly, with little in memory",
    tasks.spec(function()
      local made, size = 0, 8 * 1024 * 1024
      local server = hand.serve(function(stream, request)
        co.sleep(50)
        request.made_before = made
        local got = 0
        while got < size do
          got = got + #stream:ReadSome()
        end
        stream:Write(hand.answer(200))
      end, { reads_body = false })
      local client = hand.client({ expect = false })
      local piece = ("x"):rep(65536)
      assert(client:Post(server.url, {
        length = size,
        body = function()
          if made < size then
            made = made + #piece
            return piece
          end
        end,
      }))
      assert(server.requests[1].made_before < size, "everything was made at once")
      assert.are.equal(size, made)
    end)
  )

  it(
    "of a large text arrives whole",
    tasks.spec(function()
      local server, client = hello()
      local text = net.pattern(3 * 1024 * 1024)
      assert(client:Post(server.url, { body = text, expect = false }))
      net.assert_same_bytes(text, server.requests[1].body)
    end)
  )

  it(
    "asks first when it is large, and is told to go on",
    tasks.spec(function()
      local asked
      local server = hand.serve(function(stream, request)
        asked = request.fields.expect
        stream:Write("HTTP/1.1 100 Continue\r\n\r\n")
        hand.read_body(stream, request)
        stream:Write(hand.answer(200))
      end, { reads_body = false })
      local text = ("x"):rep(1024 * 1024)
      assert(hand.client({ expect_ms = 20000 }):Post(server.url, { body = text }))
      assert.are.same({ "100-continue", #text }, { asked, #server.requests[1].body })
    end)
  )

  it(
    "is not made when the server refuses it before",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        stream:Write(hand.answer(413, nil, "too much"))
        return "close"
      end, { reads_body = false })
      local made = false
      local client = hand.client({ expect_ms = 20000 })
      local response = assert(client:Post(server.url, {
        body = function()
          made = true
        end,
      }))
      assert.are.same({ 413, "too much", false }, { response.status, response:Body(), made })
    end)
  )

  it(
    "is sent without asking to a server that does not understand that",
    tasks.spec(function()
      local server = hand.serve(function(stream, request)
        if request.fields.expect then
          stream:Write(hand.answer(417))
          return "close"
        end
        hand.read_body(stream, request)
        stream:Write(hand.answer(200))
      end, { reads_body = false })
      local text = ("x"):rep(1024 * 1024)
      local response = assert(hand.client({ expect_ms = 20000 }):Post(server.url, { body = text }))
      assert.are.equal(200, response.status)
      assert.are.equal(#text, #server.requests[2].body)
    end)
  )

  it(
    "is sent after a while to a server that says nothing",
    tasks.spec(function()
      local server, client = hello({ expect_ms = 10 })
      local response =
        client:Post(server.url, { body = "x", headers = { Expect = "100-continue" } })
      assert.are.same({ 200, "x" }, { response.status, server.requests[1].body })
    end)
  )

  it(
    "ends when the server has refused it in the middle",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        stream:ReadSome()
        stream:Write(hand.answer(403, { "Connection: close" }, "no"))
        stream:Shutdown()
        while stream:ReadSome() do
          co.yield()
        end
        return "close"
      end, { reads_body = false })
      local client = hand.client({ expect = false })
      local made = 0
      local response = assert(client:Post(server.url, {
        body = function()
          made = made + 1
          co.sleep(1)
          return made < 5000 and ("x"):rep(1000) or nil
        end,
      }))
      assert.are.same({ 403, "no" }, { response.status, response:Body() })
      assert(made < 5000, "the whole body was made")
      assert.are.equal(0, client:Stats().connections)
    end)
  )

  it(
    "goes on while the server answers already",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        stream:Write("HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n")
        local left = 400000
        while left > 0 do
          local piece = stream:ReadSome()
          stream:Write(piece)
          left = left - #piece
        end
      end, { reads_body = false })
      local text = net.pattern(400000)
      local response = assert(hand.client({ expect = false }):Post(server.url, { body = text }))
      net.assert_same_bytes(text, response:Body())
    end)
  )

  it(
    "puts a form with files together",
    tasks.spec(function()
      local server, client = hello()
      local path = os.tmpname()
      local file = assert(io.open(path, "wb"))
      file:write(("y"):rep(100000))
      file:close()
      assert(client:Post(server.url, {
        multipart = {
          { name = 'ti"tle', value = "A holiday" },
          { name = "photo", path = path, filename = "a.jpg", type = "image/jpeg" },
          { name = "notes", filename = "n.txt", content = "some" },
        },
      }))
      os.remove(path)
      local request = server.requests[1]
      local boundary = request.fields["content-type"]:match("^multipart/form%-data; boundary=(.+)$")
      local body = request.body
      assert.are.equal(tonumber(request.fields["content-length"]), #body)
      local mark = "--" .. boundary .. "\r\n"
      local expected = mark
        .. 'Content-Disposition: form-data; name="ti%22tle"\r\n\r\nA holiday\r\n'
        .. mark
        .. 'Content-Disposition: form-data; name="photo"; filename="a.jpg"\r\n'
        .. "Content-Type: image/jpeg\r\n\r\n"
        .. ("y"):rep(100000)
        .. "\r\n"
        .. mark
        .. 'Content-Disposition: form-data; name="notes"; filename="n.txt"\r\n'
        .. "Content-Type: application/octet-stream\r\n\r\nsome\r\n--"
        .. boundary
        .. "--\r\n"
      net.assert_same_bytes(expected, body)
      local _, message, code =
        client:Post(server.url, { multipart = { { name = "f", path = "/no" } } })
      assert.matches("/no", message)
      assert.are.equal("ENOENT", code)
    end)
  )
end)

describe("arguments of a request", function()
  it(
    "blame the caller's line",
    tasks.spec(function()
      local client = hand.client()
      local wrong = {
        function()
          client:Get()
        end,
        function()
          client:Get("http://x/", { no_such = 1 })
        end,
        function()
          client:Get("http://x/", { timeout_ms = -1 })
        end,
        function()
          client:Get("http://x/", { headers = { ["a b"] = "c" } })
        end,
        function()
          client:Get("http://x/", { headers = { a = "b\r\nc: d" } })
        end,
        function()
          client:Get("http://x/", { headers = { { "a" } } })
        end,
        function()
          client:Get("http://x/", { body = "a", json = 1 })
        end,
        function()
          client:Get("http://x/", { body = 7 })
        end,
        function()
          client:Get("http://x/", { basic = { "a:b", "c" } })
        end,
        function()
          client:Get("http://x/", { jar = {} })
        end,
        function()
          client:Request({ method = "GET" })
        end,
        function()
          client:Post("http://x/", { json = { a = print } })
        end,
        function()
          client:Get("http://x/", { query = { { "a", "b" }, "c" } })
        end,
        function()
          client:Get("http://x/", { query = { a = 1, [{}] = 2 } })
        end,
        function()
          client:Post("http://x/", { form = { a = { b = "c" }, d = { {} } } })
        end,
        function()
          client:Request("http://x/", { method = "G T" })
        end,
        function()
          client:Request("http://x/", { method = "CONNECT" })
        end,
        function()
          client:RequestAsync(nil, "http://x/")
        end,
        function()
          http.get(7)
        end,
        function()
          http.client({ max_total = 0 })
        end,
        function()
          http.client({ base_url = "x" })
        end,
        function()
          client.Get({}, "http://x/")
        end,
      }
      for i, call in ipairs(wrong) do
        local line = debug.getinfo(call, "S").linedefined + 1
        local fine, message = pcall(call)
        assert.is_false(fine, "call " .. i)
        assert.matches("http_client_spec.lua:" .. line .. ": ", message, 1, true)
      end
    end)
  )

  it("are refused outside of tasks", function()
    local fine, message = pcall(http.get, "http://127.0.0.1/")
    assert.is_false(fine)
    assert.matches("for tasks", message)
    assert.is_false(pcall(http.client))
  end)
end)

describe("a program that uses nothing but http", function()
  it("has streams of upgraded connections, and ways through SOCKS", function()
    local result = child.run([[
      local chuck = require("chuck")
      local co, http = chuck.co, chuck.http
      co.run(function()
        local server = assert(http.serve("127.0.0.1:0", function(_, res)
          local stream = assert(res:Hijack())
          stream:Write("HTTP/1.1 101 Now\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello\n")
          assert(stream:ReadLine(5000) == "bye")
          stream:Close()
        end))
        local place = server:GetSockAddr()
        local client = http.client()
        local response = assert(client:Get("http://" .. place, {
          headers = { Upgrade = "x", Connection = "upgrade" },
        }))
        local stream = assert(response:Hijack())
        print(stream:ReadLine(5000))
        stream:Write("bye\n")
        stream:Close()
        local _, _, code = client:Get("http://a.test/", { proxy = "socks5://" .. place })
        print(code)
        client:Close()
        server:Close()
      end)
    ]])
    assert.are.equal("hello\nEPROTO\n", result.output)
    assert.are.equal(0, result.status)
  end)
end)
