--- Connections of a client: kept, counted, waited for, found dead.
local chuck = require("chuck")
local hand = require("spec.helper.http_hand")
local net = require("spec.helper.net")
local tasks = require("spec.helper.tasks")

local co, socket_helper = chuck.co, chuck.socket_helper

--- A server that answers when it is told to: `server.go()` lets one request after the other go.
local function gated()
  local gate = co.channel(100)
  local server = hand.serve(function(stream)
    gate:Recv()
    stream:Write(hand.answer(200, nil, "hello"))
  end)
  function server.go(n)
    for _ = 1, n or 1 do
      gate:Send(true)
    end
  end
  return server
end

--- A port whose listener takes nobody in: its backlog is full, so connects stay in progress.
local function full_port()
  local fd = net.socket()
  assert.are.equal(0, socket_helper.listen(fd, "127.0.0.1:0", { backlog = 1 }))
  local port, fds = net.port_of(fd), { fd }
  tasks.own({
    Close = function()
      for _, open in ipairs(fds) do
        socket_helper.close(open)
      end
    end,
  })
  for _ = 1, 10 do
    local filler = net.socket()
    fds[#fds + 1] = filler
    socket_helper.noblock(filler, true)
    socket_helper.connect(filler, "127.0.0.1", port)
  end
  return port
end

--- Requests in tasks of their own: their outcomes, in the order in which they end.
local function start(client, url, n, options)
  local ended = {}
  for i = 1, n do
    co.spawn(function()
      local response, message, code = client:Get(url, options)
      ended[#ended + 1] = { i, response and response.status, code, message }
    end)
  end
  return ended
end

local function wait_for(what, client, name, value)
  tasks.wait(what, function()
    return client:Stats()[name] == value
  end)
end

describe("the connections of a client", function()
  it(
    "are used again, the last one first",
    tasks.spec(function()
      local server = hand.say(hand.answer(200, nil, "hello"))
      local client = hand.client()
      for _ = 1, 10 do
        assert(client:Get(server.url))
      end
      assert.are.equal(1, server.opened)
      local stats = client:Stats()
      assert.are.same({ 1, 9, 1, 1 }, { stats.opened, stats.reused, stats.idle, stats.connections })
    end)
  )

  it(
    "are not more than the limit; others wait in line, first come first served",
    tasks.spec(function()
      local server = gated()
      local client = hand.client({ max_connections = 2 })
      local ended = start(client, server.url, 6)
      wait_for("four to wait", client, "waiting", 4)
      assert.are.equal(2, client:Stats().connections)
      server.go(6)
      tasks.wait("all to end", function()
        return #ended == 6
      end)
      assert.are.equal(2, server.opened)
      assert.are.same(
        { 3, 4 },
        { math.min(ended[3][1], ended[4][1]), math.max(ended[3][1], ended[4][1]) }
      )
    end)
  )

  it(
    "refuse those for whom the line is too long",
    tasks.spec(function()
      local server = gated()
      local client = hand.client({ max_connections = 1, max_queue = 1 })
      local ended = start(client, server.url, 3)
      tasks.wait("the third", function()
        return #ended == 1
      end)
      assert.are.same({ 3, nil, "EBUSY" }, { ended[1][1], ended[1][2], ended[1][3] })
      server.go(2)
      tasks.wait("the others", function()
        return #ended == 3
      end)
    end)
  )

  it(
    "are waited for no longer than the request may take",
    tasks.spec(function()
      local server = gated()
      local client = hand.client({ max_connections = 1 })
      start(client, server.url, 1)
      wait_for("the first", client, "connections", 1)
      local response, message, code = client:Get(server.url, { timeout_ms = 20 })
      assert.is_nil(response)
      assert.matches("no connection has become free", message)
      assert.are.equal("ETIMEDOUT", code)
      assert.are.equal(0, client:Stats().waiting)
      server.go()
      wait_for("the first to end", client, "idle", 1)
    end)
  )

  it(
    "to all origins are bounded as well: the oldest idle one goes",
    tasks.spec(function()
      local client = hand.client({ max_total = 2 })
      local servers = {}
      for i = 1, 3 do
        servers[i] = hand.say(hand.answer(200))
        assert(client:Get(servers[i].url))
      end
      assert.are.equal(2, client:Stats().connections)
      tasks.wait("the first to be closed", function()
        return servers[1].open == 0
      end)
      assert.are.same({ 1, 1 }, { servers[2].open, servers[3].open })
    end)
  )

  it(
    "wait across origins when all are in use",
    tasks.spec(function()
      local client = hand.client({ max_total = 1 })
      local one, other = gated(), hand.say(hand.answer(200))
      start(client, one.url, 1)
      wait_for("the first", client, "connections", 1)
      local ended = start(client, other.url, 1)
      wait_for("the other to wait", client, "waiting", 1)
      one.go()
      tasks.wait("the other", function()
        return #ended == 1
      end)
      assert.are.equal(200, ended[1][2])
    end)
  )

  it(
    "are closed after a while that nobody uses them",
    tasks.spec(function()
      local server = hand.say(hand.answer(200))
      local client = hand.client({ idle_ms = 20 })
      assert(client:Get(server.url))
      assert.are.equal(1, client:Stats().idle)
      wait_for("the end", client, "connections", 0)
      tasks.wait("the server to see it", function()
        return server.open == 0
      end)
    end)
  )

  it(
    "are kept no longer than the server says",
    tasks.spec(function()
      local server = hand.say(hand.answer(200, { "Keep-Alive: timeout=1, max=5" }))
      local client = hand.client()
      assert(client:Get(server.url))
      assert.are.equal(0, client:Stats().connections)
    end)
  )

  it(
    "end when one of both sides says close, or the server speaks HTTP/1.0",
    tasks.spec(function()
      local client = hand.client()
      local answers = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
      }
      for _, answer in ipairs(answers) do
        assert(client:Get(hand.say(answer).url))
        assert.are.equal(0, client:Stats().connections)
      end
      local server = hand.say(hand.answer(200))
      assert(client:Get(server.url, { headers = { Connection = "close" } }))
      assert.are.equal(0, client:Stats().connections)
      local old = hand.say("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")
      assert(client:Get(old.url))
      assert.are.equal(1, client:Stats().idle)
    end)
  )

  it(
    "that the server ends while they are idle are noticed at once",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        stream:Write(hand.answer(200))
        return "close"
      end)
      local client = hand.client()
      assert(client:Get(server.url))
      wait_for("the end", client, "connections", 0)
      assert.are.equal(200, assert(client:Post(server.url)).status)
    end)
  )

  it(
    "are not used again after an answer that nobody has asked for",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        stream:Write(hand.answer(200, nil, "mine") .. hand.answer(200, nil, "poison"))
      end)
      local client = hand.client()
      for _ = 1, 3 do
        assert.are.equal("mine", assert(client:Get(server.url)):Body())
      end
      assert.are.equal(3, server.opened)
    end)
  )

  it(
    "belong to their origin alone",
    tasks.spec(function()
      local server = hand.say(hand.answer(200))
      local client = hand.client()
      assert(client:Get("http://a.test/", { address = server.address }))
      assert(client:Get("http://b.test/", { address = server.address }))
      assert.are.equal(2, server.opened)
    end)
  )

  it(
    "are left by who is cancelled in line, and closed by who is cancelled in use",
    tasks.spec(function()
      local server = gated()
      local client = hand.client({ max_connections = 1 })
      local function get()
        return client:Get(server.url)
      end
      local first = co.spawn(get)
      wait_for("the first", client, "connections", 1)
      local second = co.spawn(get)
      wait_for("the second", client, "waiting", 1)
      second:Cancel()
      wait_for("the line to be empty", client, "waiting", 0)
      tasks.wait("the server", function()
        return #server.requests == 1
      end)
      first:Cancel()
      wait_for("the connection to be closed", client, "connections", 0)
      wait_for("nothing to be under way", client, "active", 0)
      server.go(2)
      assert.are.equal(200, assert(client:Get(server.url)).status)
    end)
  )

  it(
    "are cancelled by the deadline of a scope",
    tasks.spec(function()
      local server = gated()
      local client = hand.client()
      local _, _, code = co.with_deadline(20, client.Get, client, server.url)
      assert.are.equal("ETIMEDOUT", code)
      assert.are.equal(0, client:Stats().connections)
    end)
  )

  it(
    "give their place to the next in line when they fail",
    tasks.spec(function()
      local server = hand.serve(function(stream, _, self)
        if self.opened > 1 then
          stream:Write(hand.answer(200))
        end
        return "close"
      end)
      local client = hand.client({ max_connections = 1 })
      local ended = start(client, server.url, 2)
      tasks.wait("both", function()
        return #ended == 2
      end)
      assert.are.same({ "EOF", 200 }, { ended[1][3], ended[2][2] })
    end)
  )

  it(
    "end with the client, and so do requests",
    tasks.spec(function()
      local server = gated()
      local client = hand.client({ max_connections = 1 })
      local ended = start(client, server.url, 2)
      wait_for("the second to wait", client, "waiting", 1)
      client:Close()
      client:Close()
      tasks.wait("both", function()
        return #ended == 2
      end)
      assert.are.same({ "ESOCKCLOSE", "ESOCKCLOSE" }, { ended[1][3], ended[2][3] })
      assert.is_true(client:IsClosed())
      assert.are.equal("ESOCKCLOSE", select(3, client:Get(server.url)))
      assert.are.equal(0, client:Stats().connections)
    end)
  )

  it(
    "end with the client while they are being made",
    tasks.spec(function()
      local silent = hand.serve(function()
        co.sleep(60000)
      end, { reads_body = false })
      local full = full_port()
      for _, options in ipairs({
        { address = "127.0.0.1:" .. full },
        { proxy = "socks5://" .. silent.address },
        { proxy = { url = silent.address, tunnel = true } },
      }) do
        local client = hand.client()
        local ended = start(client, "http://a.test/", 1, options)
        wait_for("the connection to be tried", client, "connections", 1)
        co.sleep(5)
        client:Close()
        tasks.wait("the end", function()
          return #ended == 1
        end)
        assert.are.equal("ESOCKCLOSE", ended[1][3])
        assert.are.equal(0, client:Stats().connections)
      end
    end)
  )

  it(
    "are not closed under a streamed answer that is read on",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        stream:Write("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" .. ("x"):rep(10000))
        co.sleep(20)
        stream:Write(("x"):rep(10000))
      end)
      local client = hand.client({ idle_ms = 1 })
      local response = assert(client:Get(server.url, { stream = true }))
      assert.are.equal(20000, #assert(response:Body()))
    end)
  )
end)

describe("a connection that the server had ended meanwhile", function()
  --- Answers the first request of each connection, and ends at the second without a word.
  local function forgetful(fate)
    return hand.serve(function(stream, _, server)
      server.answered = server.answered or {}
      if server.answered[stream] then
        if fate then
          fate(stream)
        end
        return "close"
      end
      server.answered[stream] = true
      stream:Write(hand.answer(200))
    end)
  end

  it(
    "is replaced for a request that may be repeated",
    tasks.spec(function()
      local server, client = forgetful(), hand.client()
      for _, method in ipairs({ "GET", "PUT", "DELETE", "OPTIONS" }) do
        assert.are.equal(200, assert(client:Request(server.url, { method = method })).status)
      end
      assert.are.equal(3, client:Stats().repeats)
      assert.are.equal(4, server.opened)
    end)
  )

  it(
    "fails a request that may not, and says so",
    tasks.spec(function()
      local server, client = forgetful(), hand.client()
      assert(client:Post(server.url, { body = "x" }))
      local response, message, code = client:Post(server.url, { body = "x" })
      assert.is_nil(response)
      assert.matches("may have been carried out", message)
      assert.are.equal("EOF", code)
      assert.are.equal(0, client:Stats().repeats)
    end)
  )

  it(
    "is replaced when the program says that it may be",
    tasks.spec(function()
      local server, client = forgetful(), hand.client()
      for _, how in ipairs({
        { idempotent = true },
        { headers = { ["Idempotency-Key"] = "7" } },
        { idempotent = true },
      }) do
        how.body = "x"
        assert.are.equal(200, assert(client:Post(server.url, how)).status)
      end
      assert.are.equal(2, client:Stats().repeats)
      assert.are.equal("EOF", select(3, client:Get(server.url, { retry = false })))
      assert.are.equal(200, assert(client:Get(server.url)).status)
      assert.are.equal("EOF", select(3, client:Get(server.url, { idempotent = false })))
    end)
  )

  it(
    "is not asked again once a part of the answer has come",
    tasks.spec(function()
      local server = forgetful(function(stream)
        stream:Write("HTTP/1.1 20")
      end)
      local client = hand.client()
      assert(client:Get(server.url))
      local response = client:Get(server.url)
      assert.is_nil(response)
      assert.are.equal(0, client:Stats().repeats)
    end)
  )

  it(
    "fails a body that cannot be made again",
    tasks.spec(function()
      local server, client = forgetful(), hand.client({ expect = false })
      local function body()
        local is_made = false
        return function()
          if not is_made then
            is_made = true
            return "x"
          end
        end
      end
      assert(client:Put(server.url, { body = body() }))
      assert.is_nil((client:Put(server.url, { body = body() })))
      assert.are.equal(0, client:Stats().repeats)
    end)
  )
end)
