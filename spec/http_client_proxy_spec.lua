--- Proxies: forwarding, tunnels, SOCKS 5, and what the environment says.
local chuck = require("chuck")
local hand = require("spec.helper.http_hand")
local route = require("chuck.http.client.route")
local tasks = require("spec.helper.tasks")

local co, io_ = chuck.co, chuck.io

--- Copies in both directions until one side ends.
local function join(one, other)
  co.scope(function(scope)
    local function copy(from, to)
      local piece = from:ReadSome()
      while piece and to:Write(piece) do
        piece = from:ReadSome()
      end
      scope:Cancel()
    end
    scope:Spawn(copy, one, other)
    copy(other, one)
  end)
  other:Close(0)
end

--- A server that listens, with `handler(stream, self)` for each connection.
local function listen(handler)
  local self = { opened = 0 }
  local listener = assert(io_.listen("127.0.0.1:0", function(stream)
    self.opened = self.opened + 1
    handler(stream, self)
  end, { linger_ms = 100 }))
  self.address = listener:GetSockAddr()
  function self.Close()
    listener:Close(0)
  end
  return tasks.own(self)
end

--- A proxy that opens tunnels: `lines` are what it was asked.
local function tunneling(refusal)
  local lines = {}
  local proxy = listen(function(stream)
    local request = hand.read(stream)
    lines[#lines + 1] = request
    if refusal then
      stream:Write(refusal)
      return
    end
    local other = assert(io_.connect(request.target))
    stream:Write("HTTP/1.1 200 Connection established\r\nVia: me\r\n\r\n")
    join(stream, other)
  end)
  proxy.lines = lines
  return proxy
end

--- A proxy of SOCKS 5, which wants this user and password if it is given some.
local function socks(user, password, reply)
  local asked = {}
  local proxy = listen(function(stream)
    local methods = stream:Read(stream:Read(2):byte(2))
    local method = user and "\2" or "\0"
    if not methods:find(method, 1, true) then
      stream:Write("\5\255")
      return
    end
    stream:Write("\5", method)
    if user then
      local given = stream:Read(stream:Read(2):byte(2))
      local secret = stream:Read(stream:Read(1):byte())
      local is_right = given == user and secret == password
      stream:Write("\1", is_right and "\0" or "\1")
      if not is_right then
        return
      end
    end
    local kind = stream:Read(4):byte(4)
    local host
    if kind == 1 then
      host = table.concat({ stream:Read(4):byte(1, 4) }, ".")
    else
      host = stream:Read(stream:Read(1):byte())
    end
    local high, low = stream:Read(2):byte(1, 2)
    asked[#asked + 1] = { kind, host, high * 256 + low }
    if reply then
      stream:Write("\5", string.char(reply), "\0\1\0\0\0\0\0\0")
      return
    end
    local other = assert(io_.connect("127.0.0.1:" .. high * 256 + low))
    stream:Write("\5\0\0\3\4name\0\1")
    join(stream, other)
  end)
  proxy.asked = asked
  return proxy
end

local function hello()
  return hand.say(hand.answer(200, nil, "hello"))
end

describe("a proxy of HTTP", function()
  it(
    "is told the whole URL, and its connections serve every origin",
    tasks.spec(function()
      local proxy = hand.say(hand.answer(200, nil, "by proxy"))
      local client = hand.client({ proxy = proxy.url })
      assert.are.equal("by proxy", assert(client:Get("http://a.test/x?y")):Body())
      assert.are.equal("by proxy", assert(client:Get("http://b.test:81/")):Body())
      assert.are.equal("GET http://a.test/x?y HTTP/1.1", proxy.requests[1].line)
      assert.are.equal("a.test", proxy.requests[1].fields.host)
      assert.are.equal("GET http://b.test:81/ HTTP/1.1", proxy.requests[2].line)
      assert.are.equal(1, proxy.opened)
    end)
  )

  it(
    "gets its own credentials, which go nowhere else",
    tasks.spec(function()
      local proxy, server = hand.say(hand.answer(200)), hello()
      local client = hand.client()
      local url = "http://me:pass%20word@" .. proxy.address
      assert(client:Get("http://a.test/", { proxy = url }))
      assert.are.equal("Basic bWU6cGFzcyB3b3Jk", proxy.requests[1].fields["proxy-authorization"])
      assert(client:Get("http://a.test/", { proxy = proxy.url }))
      assert.is_nil(proxy.requests[2].fields["proxy-authorization"])
      assert.are.equal(2, proxy.opened)
      assert(client:Get(server.url))
      assert.is_nil(server.requests[1].fields["proxy-authorization"])
    end)
  )

  it(
    "opens a tunnel when that is wanted, for which it alone gets its credentials",
    tasks.spec(function()
      local server, proxy = hello(), tunneling()
      local client = hand.client({
        proxy = { url = "http://me:secret@" .. proxy.address, tunnel = true },
      })
      for _ = 1, 3 do
        assert.are.equal("hello", assert(client:Get(server.url .. "/x")):Body())
      end
      assert.are.equal(1, #proxy.lines)
      assert.are.equal(("CONNECT %s HTTP/1.1"):format(server.address), proxy.lines[1].line)
      assert.are.equal(server.address, proxy.lines[1].fields.host)
      assert.is_string(proxy.lines[1].fields["proxy-authorization"])
      assert.are.equal("GET /x HTTP/1.1", server.requests[1].line)
      assert.is_nil(server.requests[1].fields["proxy-authorization"])
    end)
  )

  it(
    "that refuses a tunnel, or stalls, or ends, is an outcome",
    tasks.spec(function()
      for refusal, expected in pairs({
        ["HTTP/1.1 407 Who\r\nContent-Length: 3\r\n\r\nyou"] = "EACCES",
        ["HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n"] = "ECONNREFUSED",
        [""] = "EOF",
        ["nonsense\r\n\r\n"] = "EHTTPPARSE",
      }) do
        local proxy = tunneling(refusal)
        local client = hand.client({ proxy = { url = proxy.address, tunnel = true } })
        local response, message, code = client:Get("http://a.test/")
        assert.is_nil(response)
        assert.matches("proxy", message)
        assert.are.equal(expected, code)
        assert.are.equal(0, client:Stats().connections)
      end
      local silent = listen(function(stream)
        stream:ReadAll()
      end)
      local client =
        hand.client({ proxy = { url = silent.address, tunnel = true }, connect_ms = 30 })
      assert.are.equal("ETIMEDOUT", select(3, client:Get("http://a.test/")))
      assert.are.equal(0, client:Stats().connections)
    end)
  )

  it(
    "of https, and https through it, wait for TLS",
    tasks.spec(function()
      local client = hand.client()
      local _, _, code = client:Get("http://a.test/", { proxy = "https://127.0.0.1:1" })
      assert.are.equal("ENOSYS", code)
      _, _, code = client:Get("https://a.test/", { proxy = "http://127.0.0.1:1" })
      assert.are.equal("ENOSYS", code)
    end)
  )
end)

describe("a proxy of SOCKS 5", function()
  it(
    "connects to names and addresses, which it resolves itself",
    tasks.spec(function()
      local server, proxy = hello(), socks()
      local client = hand.client({ proxy = "socks5://" .. proxy.address })
      assert.are.equal("hello", assert(client:Get(server.url)):Body())
      local named = "http://some.test:" .. server.port .. "/"
      assert.are.equal("hello", assert(client:Get(named)):Body())
      assert.are.equal("hello", assert(client:Get(named)):Body())
      assert.are.same(
        { { 1, "127.0.0.1", server.port }, { 3, "some.test", server.port } },
        proxy.asked
      )
      assert.are.equal("GET / HTTP/1.1", server.requests[2].line)
      assert.are.equal(2, proxy.opened)
    end)
  )

  it(
    "is told user and password",
    tasks.spec(function()
      local server, proxy = hello(), socks("me", "se cret")
      local client = hand.client()
      local function get(user)
        return client:Get(server.url, { proxy = "socks5://" .. user .. proxy.address })
      end
      assert.are.equal("hello", assert(get("me:se%20cret@")):Body())
      assert.are.equal("EACCES", select(3, get("me:wrong@")))
      assert.are.equal("EACCES", select(3, get("")))
      assert.are.equal("EACCES", select(3, get("me:@")))
    end)
  )

  it(
    "that has no connection says why",
    tasks.spec(function()
      for reply, expected in pairs({
        [1] = "ECONNREFUSED",
        [2] = "EACCES",
        [3] = "ENETUNREACH",
        [4] = "EHOSTUNREACH",
        [5] = "ECONNREFUSED",
        [99] = "EPROTO",
      }) do
        local proxy = socks(nil, nil, reply)
        local client = hand.client({ proxy = "socks5h://" .. proxy.address })
        local _, message, code = client:Get("http://a.test/")
        assert.matches("no connection to the server", message)
        assert.are.equal(expected, code)
      end
    end)
  )

  it(
    "that is none, or stalls, is an outcome",
    tasks.spec(function()
      local liar = listen(function(stream)
        stream:Write("HTTP/1.1 400 Bad Request\r\n\r\n")
        stream:ReadAll()
      end)
      local client = hand.client({ proxy = "socks5://" .. liar.address })
      assert.are.equal("EPROTO", select(3, client:Get("http://a.test/")))
      local silent = listen(function(stream)
        stream:ReadAll()
      end)
      client = hand.client({ proxy = "socks5://" .. silent.address, connect_ms = 30 })
      assert.are.equal("ETIMEDOUT", select(3, client:Get("http://a.test/")))
      assert.are.equal("EINVAL", select(3, client:Get("http://a.test/", { proxy = "ftp://x" })))
      assert.are.equal(0, client:Stats().connections)
    end)
  )

  it(
    "is left when the task is cancelled",
    tasks.spec(function()
      local silent = listen(function(stream)
        stream:ReadAll()
      end)
      local client = hand.client({ proxy = "socks5://" .. silent.address })
      local _, _, code = co.with_deadline(20, client.Get, client, "http://a.test/")
      assert.are.equal("ETIMEDOUT", code)
      assert.are.equal(0, client:Stats().connections)
    end)
  )
end)

describe("the environment", function()
  local function environment(values)
    return route.environment(function(name)
      return values[name]
    end)
  end

  local function proxy_for(values, scheme, host, port)
    local url = { scheme = scheme, host = host, port = port or 80 }
    local proxy = route.choose(nil, environment(values), url)
    return proxy and proxy.address
  end

  it("names proxies by scheme, in small letters first", function()
    local values = { http_proxy = "http://small:1", HTTP_PROXY = "http://big:2" }
    assert.are.equal("small:1", proxy_for(values, "http", "a.test"))
    assert.is_false(proxy_for(values, "https", "a.test"))
    assert.are.equal("s:3", proxy_for({ HTTPS_PROXY = "s:3" }, "https", "a.test"))
    assert.are.equal("x:1080", proxy_for({ ALL_PROXY = "socks5://x" }, "http", "a.test"))
    assert.is_false(proxy_for({ HTTP_PROXY = "" }, "http", "a.test"))
  end)

  it("is not believed about HTTP_PROXY in a CGI program", function()
    local values = { HTTP_PROXY = "http://evil:1", REQUEST_METHOD = "GET" }
    assert.is_false(proxy_for(values, "http", "a.test"))
    values.http_proxy = "http://good:1"
    assert.are.equal("good:1", proxy_for(values, "http", "a.test"))
  end)

  it("exempts what NO_PROXY names, and nothing else", function()
    local values = {
      http_proxy = "http://p:1",
      NO_PROXY = "example.com, .inner.test,*.star.test,10.0.0.0/8 , 192.168.1.7,port.test:81",
    }
    for _, host in ipairs({
      "example.com",
      "www.example.com",
      "a.inner.test",
      "x.star.test",
      "10.200.3.4",
      "192.168.1.7",
    }) do
      assert.is_false(proxy_for(values, "http", host), host)
    end
    for _, host in ipairs({
      "localhost",
      "127.0.0.1",
      "::1",
      "notexample.com",
      "11.0.0.1",
      "192.168.1.70",
      "example.com.test",
    }) do
      assert.are.equal("p:1", proxy_for(values, "http", host), host)
    end
    assert.is_false(proxy_for(values, "http", "port.test", 81))
    assert.are.equal("p:1", proxy_for(values, "http", "port.test", 82))
    assert.is_false(proxy_for({ http_proxy = "p:1", NO_PROXY = "*" }, "http", "a.test"))
  end)

  it(
    "is not asked when options say what to do",
    tasks.spec(function()
      local server = hello()
      assert.are.equal("hello", assert(hand.client({ proxy = false }):Get(server.url)):Body())
    end)
  )
end)
