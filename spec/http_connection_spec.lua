--- Connections of the HTTP server, and its end: how they end, what is pipelined, taken over, cut.
local child = require("spec.helper.child")
local chuck = require("chuck")
local http = require("spec.helper.http")
local tasks = require("spec.helper.tasks")

local co = chuck.co
local serve, spec = http.serve, tasks.spec

describe("a connection", function()
  it(
    "ends after its answer when the client asks for it",
    spec(function()
      local answer, client = http.ask(serve(function() end), http.get("/", "Connection: close"))
      assert.are.equal("close", answer.fields.connection)
      http.assert_end(client)
    end)
  )

  it(
    "ends when the handler says so",
    spec(function()
      local server = serve(function(_, res)
        res:Set("Connection", "close")
      end)
      local answer, client = http.ask(server, http.get("/"))
      assert.are.equal("close", answer.fields.connection)
      http.assert_end(client)
    end)
  )

  it(
    "of HTTP/1.0 ends, unless the client wants it to stay",
    spec(function()
      local server = serve(function(req, res)
        if req.path == "/chunks" then
          res:Write("a")
          res:Write("b")
          return
        end
        return "ab"
      end)
      local answer, client = http.ask(server, http.text("GET / HTTP/1.0"))
      assert.are.equal("ab", answer.body)
      http.assert_end(client)
      answer, client = http.ask(server, http.text("GET / HTTP/1.0", "Connection: keep-alive"))
      assert.are.equal("keep-alive", answer.fields.connection:lower())
      client:Write(http.text("GET /chunks HTTP/1.0", "Connection: keep-alive"))
      answer = http.read(client)
      assert.is_nil(answer.fields["transfer-encoding"])
      assert.are.equal("ab", answer.body)
      http.assert_end(client)
    end)
  )

  it(
    "that the client has half closed gets its answers",
    spec(function()
      local server = serve(function(req)
        co.sleep(10)
        return req.path
      end)
      local client = http.connect(server)
      client:Write(http.get("/1") .. http.get("/2"))
      client:Shutdown()
      assert.are.equal("/1", http.read(client).body)
      assert.are.equal("/2", http.read(client).body)
      http.assert_end(client)
      assert.are.equal(0, server:Stats().connections)
    end)
  )

  it(
    "ends after so many requests, and says so",
    spec(function()
      local server = serve(function() end, { max_requests_per_connection = 2 })
      local client = http.connect(server)
      client:Write(http.get("/") .. http.get("/") .. http.get("/"))
      assert.is_nil(http.read(client).fields.connection)
      assert.are.equal("close", http.read(client).fields.connection)
      http.assert_end(client)
    end)
  )

  it(
    "cannot be taken over while more requests are on their way",
    spec(function()
      local code
      local server = serve(function(_, res)
        co.sleep(5)
        code = code or select(3, res:Hijack())
        return "no"
      end)
      local client = http.connect(server)
      client:Write(http.get("/") .. http.get("/"))
      assert.are.equal("no", http.read(client).body)
      assert.are.equal("EBUSY", code)
      client:Close(0)
    end)
  )

  it(
    "can be taken over for another protocol",
    spec(function()
      local server = serve(function(req, res)
        assert(req:IsUpgrade())
        local stream = assert(res:Status(101):Set("Upgrade", "echo"):Hijack())
        stream:Write("welcome ")
        stream:Write(stream:ReadSome())
        stream:Close()
      end)
      local client = http.connect(server)
      client:Write(http.get("/", "Connection: Upgrade", "Upgrade: echo"))
      local answer = http.read(client)
      assert.are.equal(101, answer.status)
      assert.are.equal("echo", answer.fields.upgrade)
      assert.are.equal("Upgrade", answer.fields.connection)
      client:Write("words")
      assert.are.equal("welcome words", client:ReadAll())
      assert.are.equal(0, server:Stats().connections)
    end)
  )

  it(
    "can be a tunnel, also for what was sent too early",
    spec(function()
      local server = serve(function(_, res)
        local stream = assert(res:Status(200):Hijack())
        stream:Write(stream:ReadLine())
        stream:Close()
      end)
      local client = http.connect(server)
      client:Write(http.text("CONNECT a:1 HTTP/1.1", "Host: a:1", { "words\n" }))
      local answer = assert(client:ReadUntil("\r\n\r\n"))
      assert.matches("^HTTP/1.1 200 OK\r\n", answer)
      assert.is_nil(answer:find("Content-Length", 1, true))
      assert.are.equal("words", client:ReadAll())
    end)
  )

  it(
    "can be taken over with what the client has sent ahead, whatever that is, and its end",
    spec(function()
      for _, head in ipairs({
        http.get("/", "Connection: Upgrade", "Upgrade: echo"),
        http.text("CONNECT a:1 HTTP/1.1", "Host: a:1"),
      }) do
        local server = serve(function(req, res)
          co.sleep(20)
          local is_connect = req.method == "CONNECT"
          local stream = assert(res:Status(is_connect and 200 or 101):Hijack())
          stream:Write("got " .. assert(stream:ReadAll(100, http.PATIENCE)))
          stream:Close()
        end)
        for _, ahead in ipairs({ "", "\129\5hello", "GET / HTTP/1.1\r\nHost: a\r\n\r\n" }) do
          local client = http.connect(server)
          client:Write(head .. ahead)
          client:Shutdown()
          local answer, text = client:ReadAll():match("^(.-)\r\n\r\n(.*)$")
          assert.are.equal("got " .. ahead, text)
          assert.is_nil(answer:lower():match("content%-length"))
          assert.is_nil(answer:lower():match("transfer%-encoding"))
        end
      end
    end)
  )

  it(
    "serves nothing behind CONNECT as a request",
    spec(function()
      local served = {}
      local server = serve(function(req)
        served[#served + 1] = req.method
        return "fine"
      end)
      local client = http.connect(server)
      client:Write(http.text("CONNECT a:1 HTTP/1.1", "Host: a:1") .. http.get("/"))
      local answer = http.read(client)
      assert.are.equal("close", answer.fields.connection)
      assert.are.equal("", client:ReadAll())
      assert.are.same({ "CONNECT" }, served)
    end)
  )

  it(
    "goes on when an upgrade is not agreed to",
    spec(function()
      local server = serve(function(req)
        co.sleep(5)
        return req.path
      end)
      local client = http.connect(server)
      local upgrade = { "Connection: Upgrade", "Upgrade: h2c" }
      client:Write(http.get("/1", upgrade[1], upgrade[2]) .. http.get("/2"))
      client:Write(http.post("/3", "body", upgrade[1], upgrade[2]) .. http.get("/4"))
      for i = 1, 4 do
        assert.are.equal("/" .. i, http.read(client).body)
      end
      client:Close(0)
    end)
  )

  it(
    "stays with the server when it is taken over wrongly",
    spec(function()
      local problems = {}
      local server = serve(function(_, res)
        for i, options in ipairs({ "x", { decoder = "x" }, { unknown = 1 } }) do
          problems[i] = select(2, pcall(res.Hijack, res, options))
        end
        return "here"
      end)
      assert.are.equal("here", http.ask(server, http.get("/")).body)
      assert.are.equal(3, #problems)
      for _, problem in ipairs(problems) do
        assert.matches("bad argument #1 to 'Hijack'", problem)
      end
    end)
  )

  it("can be taken over by a program that has no other use for streams", function()
    local result = child.run([[
      local chuck = require("chuck")
      local co, http = chuck.co, chuck.http
      co.run(function()
        local server = assert(http.serve("127.0.0.1:0", function(_, res)
          local stream = assert(res:Status(101):Set("Upgrade", "x"):Hijack())
          print(stream:Write("hello"))
          stream:Close()
        end))
        local headers = { Connection = "upgrade", Upgrade = "x" }
        local answer = assert(http.get("http://" .. server:GetSockAddr(), { headers = headers }))
        print(answer.status)
        server:Close()
      end)
    ]])
    assert.are.equal(0, result.status, result.output)
    assert.matches("true", result.output)
    assert.matches("101", result.output)
  end)
end)

describe("the end of a server", function()
  it(
    "closes idle connections at once, and answers what is under way",
    spec(function()
      local began
      local server = serve(function(req)
        began = true
        co.sleep(30)
        return req.path
      end)
      local idle, busy = http.connect(server), http.connect(server)
      idle:Write(http.get("/idle"))
      http.read(idle)
      began = false
      busy:Write(http.get("/busy"))
      tasks.wait("the request", function()
        return began
      end)
      local ending = tasks.parked(server.Shutdown, server, http.PATIENCE)
      http.assert_end(idle)
      local answer = http.read(busy)
      assert.are.equal("/busy", answer.body)
      assert.are.equal("close", answer.fields.connection)
      http.assert_end(busy)
      assert.is_true(tasks.finished(ending)[1])
      assert.is_nil((server:GetSockAddr()))
    end)
  )

  it(
    "cancels handlers at its deadline, with 503",
    spec(function()
      local cancelled
      local server = serve(function()
        local _, problem = co.pcall(co.sleep, 1e6)
        cancelled = tostring(problem)
        error(problem, 0)
      end)
      local client = http.connect(server)
      client:Write(http.get("/"))
      tasks.wait("the request", function()
        return server:Stats().active == 1
      end)
      local done, message, code = server:Shutdown(20)
      assert.is_nil(done)
      assert.are.equal("ETIMEDOUT", code)
      assert.matches("20 ms", message)
      assert.are.equal(503, http.read(client).status)
      assert.matches("shut down", cancelled)
    end)
  )

  it(
    "may be brought about by a handler",
    spec(function()
      local server
      server = serve(function(req, res)
        assert(res.exchange.server == server and req.server == server)
        assert(server:Shutdown())
        return "bye"
      end)
      assert.are.equal("bye", http.ask(server, http.get("/")).body)
      tasks.wait("the end", function()
        return server.keeper:IsDone()
      end)
      assert.is_true(server:IsClosed())
    end)
  )

  it(
    "comes with the scope that it was made in",
    spec(function()
      local server, client
      local _, _, code = co.scope(function()
        server = assert(chuck.http.serve("127.0.0.1:0", function()
          co.sleep(1e6)
        end))
        client = http.connect(server)
        client:Write(http.get("/"))
        tasks.wait("the request", function()
          return server:Stats().active == 1
        end)
        co.sleep(1e6)
      end, { deadline_ms = 50 })
      assert.are.equal("ETIMEDOUT", code)
      assert.is_true(server:IsClosed())
      assert.are.equal(0, server:Stats().connections)
      local answer = http.read(client)
      assert(answer == nil or answer.status == 503)
    end)
  )

  it(
    "answers what waits in the queue of its socket",
    spec(function()
      local server = serve(function(_, res)
        res.exchange.server:Shutdown()
        return ("x"):rep(3 * 1024 * 1024)
      end)
      local client = http.connect(server)
      client:Write(http.get("/"))
      co.sleep(20)
      assert.are.equal(3 * 1024 * 1024, #http.read(client).body)
    end)
  )

  it(
    "can come any number of times",
    spec(function()
      local server = serve(function() end)
      server:Close()
      server:Close()
      assert.is_true(server:Shutdown())
      local listening, _, code = server:Listen("127.0.0.1:0")
      assert.is_nil(listening)
      assert.are.equal("ESOCKCLOSE", code)
    end)
  )
end)
