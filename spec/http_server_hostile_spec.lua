--- The HTTP server against clients that are slow, greedy, gone, or wrong; and against handlers that
--- fail. Memory stays bounded, and others are served.
local chuck = require("chuck")
local http = require("spec.helper.http")
local sweep = require("chuck.http.server.sweep")
local tasks = require("spec.helper.tasks")

local co = chuck.co
local spec = tasks.spec

--- Waits until a server has so many connections.
local function await_connections(server, count)
  tasks.wait(count .. " connections", function()
    return server:Stats().connections == count
  end)
end

--- Claims that somebody else is served.
local function assert_served(server)
  assert.are.equal(200, http.ask(server, http.get("/well")).status)
end

--- Errors that are told to a server while `body` runs.
local function serve_with_errors(handler, options)
  local told = {}
  options = options or {}
  options.on_error = function(problem, traceback, req)
    told[#told + 1] = { problem = problem, traceback = traceback, req = req }
  end
  return http.serve(handler, options), told
end

describe("the limit of connections", function()
  it(
    "is one of the server, at however many addresses it listens",
    spec(function()
      local server = http.serve(function() end, { max_connections = 2 })
      assert(server:Listen("127.0.0.1:0"))
      http.connect(server)
      await_connections(server, 1)
      for i = 1, 2 do
        local client = tasks.own(assert(chuck.io.connect(server:GetSockAddr(2))))
        if i == 2 then
          assert.are.equal(503, http.read(client).status)
        end
        await_connections(server, 2)
      end
      assert.are.equal(1, server:Stats().refused)
    end)
  )
end)

describe("a slow client", function()
  it(
    "that does not end its head is answered 408",
    spec(function()
      local server = http.serve(function() end, { header_ms = 60 })
      local client = http.connect(server)
      client:Write("GET / HTTP/1.1\r\nHost: a\r\n")
      co.spawn(function()
        for _ = 1, 1000 do
          if not client:Write("X: 1\r\n") then
            break
          end
          co.sleep(10)
        end
      end)
      local answer = http.read(client)
      assert.are.equal(408, answer.status)
      assert.are.equal("close", answer.fields.connection)
      await_connections(server, 0)
      assert_served(server)
      assert.are.equal(1, server:Stats().timeouts)
      client:Close(0)
    end)
  )

  it(
    "is not alone: many are looked at in slices, and others are served in between",
    spec(function()
      local server, most = http.serve(function() end), 600
      for _ = 1, most do
        http.connect(server)
      end
      await_connections(server, most)
      for _, exchange in ipairs(server.exchanges) do
        exchange.since = -math.huge
      end
      sweep.begin(server)
      local left = server:Stats().connections
      assert(left > 0 and left < most)
      local answer = http.ask(server, http.get("/"))
      assert.are.equal(200, answer.status)
      tasks.wait("the rest", function()
        return server:Stats().timeouts == most
      end)
      assert_served(server)
    end)
  )

  it(
    "that says nothing is sent away without a word",
    spec(function()
      local server = http.serve(function() end, { header_ms = 60 })
      http.assert_end(http.connect(server))
    end)
  )

  it(
    "is slow also when its second head does not end",
    spec(function()
      local server = http.serve(function() end, { header_ms = 60 })
      local _, client = http.ask(server, http.get("/"))
      client:Write("GET / HT")
      assert.are.equal(408, http.read(client).status)
      http.assert_end(client)
    end)
  )

  it(
    "is sent away when it is idle for too long",
    spec(function()
      local server = http.serve(function() end, { idle_ms = 60 })
      local _, client = http.ask(server, http.get("/"))
      http.assert_end(client)
    end)
  )

  it(
    "that stops in its body fails the reader, and is answered 408",
    spec(function()
      local outcome
      local server = http.serve(function(req)
        outcome = { req:Body() }
      end, { body_ms = 60 })
      local client = http.connect(server)
      client:Write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc")
      local answer = http.read(client)
      assert.are.equal(408, answer.status)
      assert.are.equal("close", answer.fields.connection)
      http.assert_end(client)
      assert.are.same({ nil, "no more of the body in 60 ms", "ETIMEDOUT" }, outcome)
    end)
  )

  it(
    "that drips its body is as late as one that stops",
    spec(function()
      local server = http.serve(function(req)
        req:Body()
      end, { body_ms = 100, body_rate = 10000 })
      local client = http.connect(server)
      client:Write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc")
      co.spawn(function()
        for _ = 1, 1000 do
          if not client:Write("x") then
            break
          end
          co.sleep(5)
        end
      end)
      assert.are.equal(408, http.read(client).status)
      client:Close(0)
    end)
  )

  it(
    "that stops in a body which nobody wants is sent away",
    spec(function()
      local server = http.serve(function()
        return "done"
      end, { body_ms = 60 })
      local client = http.connect(server)
      client:Write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc")
      assert.are.equal("done", http.read(client).body)
      http.assert_end(client)
    end)
  )

  it(
    "that does not read its answer is cut off, and its handler goes on",
    spec(function()
      local outcome
      local server = http.serve(function(req, res)
        if req.path ~= "/well" then
          while true do
            local done, message, code = res:Write(("x"):rep(65536))
            if not done then
              outcome = { message, code }
              return
            end
          end
        end
      end, { write_ms = 100 })
      local client = http.connect(server)
      client:Write(http.get("/"))
      tasks.wait("the end of the write", function()
        return outcome
      end)
      assert.are.same({ "the client has gone", "ESOCKCLOSE" }, outcome)
      assert_served(server)
      await_connections(server, 1)
    end)
  )

  it(
    "that pipelines and does not read has only a few requests served",
    spec(function()
      local body = ("x"):rep(100000)
      local server = http.serve(function()
        return body
      end)
      local client = http.connect(server)
      co.spawn(function()
        for _ = 1, 2000 do
          if not client:Write(http.get("/")) then
            break
          end
        end
      end)
      co.sleep(50)
      local served = server:Stats().requests
      assert(served < 200, served)
      for _ = 1, 300 do
        assert.are.equal(100000, #http.read(client).body)
      end
      client:Close(0)
    end)
  )
end)

describe("a greedy client", function()
  it(
    "is refused with the status of what it has too much of",
    spec(function()
      local server = http.serve(function() end, {
        max_head = 4096,
        max_target = 1024,
        max_fields = 20,
        max_body = 1000,
      })
      local function status_of(text)
        local answer, client = http.ask(server, text)
        assert.are.equal("close", answer.fields.connection)
        http.assert_end(client)
        return answer.status
      end
      assert.are.equal(414, status_of(http.get("/" .. ("a"):rep(2000))))
      assert.are.equal(431, status_of(http.get("/", "X: " .. ("a"):rep(5000))))
      local fields = {}
      for i = 1, 30 do
        fields[i] = "X: " .. i
      end
      assert.are.equal(431, status_of(http.get("/", table.concat(fields, "\r\n"))))
      assert.are.equal(413, status_of(http.post("/", ("a"):rep(1001))))
      assert.are.equal(417, status_of(http.get("/", "Expect: wonders")))
      assert.are.equal(505, status_of(http.text("GET / HTTP/3.0", "Host: a")))
      assert.are.equal(400, status_of(http.text("GET / HTTP/1.1")))
      assert.are.equal(501, status_of(http.get("/", "Transfer-Encoding: gzip, chunked")))
      assert.are.equal(400, status_of("\1\2\3\r\n\r\n"))
      assert.are.equal(9, server:Stats().violations)
      assert_served(server)
    end)
  )

  it(
    "that announces 10 GB is refused before it sends them",
    spec(function()
      local called = false
      local server = http.serve(function()
        called = true
      end)
      local text = http.get("/", "Content-Length: 10000000000")
      local answer, client = http.ask(server, text)
      assert.are.equal(413, answer.status)
      http.assert_end(client)
      assert.is_false(called)
    end)
  )

  it(
    "that sends a million fields costs no memory",
    spec(function()
      local server = http.serve(function() end)
      local client = http.connect(server)
      collectgarbage()
      local before = collectgarbage("count")
      client:Write("GET / HTTP/1.1\r\nHost: a\r\n")
      local piece = ("X-Name: value\r\n"):rep(1000)
      for _ = 1, 1000 do
        if not client:Write(piece, 1000) then
          break
        end
      end
      assert.are.equal(431, http.read(client).status)
      client:Close(0)
      collectgarbage()
      assert(collectgarbage("count") - before < 4096)
      assert_served(server)
    end)
  )

  it(
    "that never ends a body in chunks fails the reader with 413",
    spec(function()
      local outcome
      local server = http.serve(function(req)
        outcome = { req:Body() }
      end, { max_body = 100000 })
      local client = http.connect(server)
      client:Write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
      co.spawn(function()
        local chunk = "1000\r\n" .. ("x"):rep(4096) .. "\r\n"
        for _ = 1, 1000 do
          if not client:Write(chunk) then
            break
          end
        end
      end)
      assert.are.equal(413, http.read(client).status)
      assert.are.equal("EHTTPTOOLARGE", outcome[3])
      client:Close(0)
    end)
  )

  it(
    "that sends more than was answered is held back",
    spec(function()
      local gate = co.channel(1)
      local server = http.serve(function(req)
        if req.path == "/first" then
          gate:Recv()
        end
        return req.path
      end, { pipeline = 4 })
      local client = http.connect(server)
      client:Write(http.get("/first"))
      co.spawn(function()
        for i = 1, 100 do
          client:Write(http.get("/" .. i))
        end
      end)
      co.sleep(20)
      local exchange = server.exchanges[1]
      assert(exchange.queue.last - exchange.queue.first < 4)
      gate:Send(true)
      assert.are.equal("/first", http.read(client).body)
      for i = 1, 100 do
        assert.are.equal("/" .. i, http.read(client).body)
      end
    end)
  )

  it(
    "gets no more connections than its address may have",
    spec(function()
      local server = http.serve(function() end, { max_connections_per_ip = 2 })
      local first = select(2, http.ask(server, http.get("/")))
      http.ask(server, http.get("/"))
      local third = http.connect(server)
      local answer = http.read(third)
      assert(answer == nil or answer.status == 503)
      assert.are.equal(1, server:Stats().refused)
      first:Close(0)
      await_connections(server, 1)
      assert_served(server)
    end)
  )

  it(
    "waits in the kernel when the server has all it may have",
    spec(function()
      local server = http.serve(function() end, { max_connections = 1 })
      local _, first = http.ask(server, http.get("/"))
      local second = http.connect(server)
      second:Write(http.get("/"))
      co.sleep(20)
      assert.are.equal(1, server:Stats().accepted)
      first:Close(0)
      assert.are.equal(200, http.read(second).status)
    end)
  )
end)

describe("a client that is wrong", function()
  it(
    "gets what it asked for before, in order, then its refusal",
    spec(function()
      local server = http.serve(function(req)
        co.sleep(5)
        return req.path
      end)
      local client = http.connect(server)
      client:Write(http.get("/1") .. http.get("/2") .. "G@RBAGE\1\r\n\r\n" .. http.get("/3"))
      assert.are.equal("/1", http.read(client).body)
      assert.are.equal("/2", http.read(client).body)
      assert.are.equal(400, http.read(client).status)
      http.assert_end(client)
      assert.are.equal(2, server:Stats().requests)
    end)
  )

  it(
    "about a chunk fails the reader, and is answered 400",
    spec(function()
      local outcome
      local server = http.serve(function(req)
        outcome = { req:Body() }
      end)
      local client = http.connect(server)
      client:Write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
      co.sleep(5)
      client:Write("xyz\r\n")
      assert.are.equal(400, http.read(client).status)
      http.assert_end(client)
      assert.are.equal("EHTTPPARSE", outcome[3])
    end)
  )

  it(
    "about its path is answered 400, and may go on",
    spec(function()
      local called = false
      local server = http.serve(function()
        called = true
      end)
      local answer, client = http.ask(server, http.get("/%zz"))
      assert.are.equal(400, answer.status)
      assert.is_false(called)
      client:Write(http.get("/"))
      assert.are.equal(200, http.read(client).status)
    end)
  )

  it(
    "sees its answer although it goes on sending",
    spec(function()
      local server = http.serve(function() end, { max_body = 10 })
      for _ = 1, 10 do
        local client = http.connect(server)
        client:Write(http.post("/", ("x"):rep(300000)))
        assert.are.equal(413, http.read(client).status)
        client:Close(0)
      end
    end)
  )
end)

describe("a client that goes", function()
  it(
    "cancels its handler when the connection is reset",
    spec(function()
      local outcome
      local server = http.serve(function(req)
        if req.path == "/well" then
          return
        end
        local fine, problem = co.pcall(co.sleep, 1e6)
        outcome = { fine, tostring(problem) }
        error(problem, 0)
      end)
      local client = http.connect_rudely(server)
      client:Write(http.get("/"))
      tasks.wait("the request", function()
        return server:Stats().active == 1
      end)
      server.exchanges[1].res:Write("hello")
      co.sleep(10)
      client:Close(0)
      tasks.wait("the cancellation", function()
        return outcome
      end)
      assert.is_false(outcome[1])
      assert.matches("the client has gone: E", outcome[2])
      await_connections(server, 0)
      assert.are.equal(0, server:Stats().active)
      assert_served(server)
    end)
  )

  it(
    "in any phase leaves nothing behind",
    spec(function()
      local server = http.serve(function(req, res)
        if req.path == "/write" then
          for _ = 1, 100 do
            if not res:Write(("x"):rep(65536)) then
              return
            end
          end
        elseif req.path == "/body" then
          req:Body()
        end
      end)
      local phases = {
        "",
        "GET / HT",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        http.get("/"),
        http.get("/write"),
        "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n",
        "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc",
        "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc",
        http.get("/") .. http.get("/") .. "GET",
      }
      for _, text in ipairs(phases) do
        for _, ending in ipairs({ "reset", "close" }) do
          local is_reset = ending == "reset"
          local client = (is_reset and http.connect_rudely or http.connect)(server)
          if text ~= "" then
            client:Write(text)
          end
          co.sleep(5)
          client:Close(0)
        end
      end
      await_connections(server, 0)
      tasks.wait("the handlers", function()
        return server:Stats().active == 0
      end)
      assert_served(server)
    end)
  )

  it(
    "in the middle of its body fails the reader",
    spec(function()
      local outcome
      local server = http.serve(function(req)
        outcome = { req:Body() }
      end)
      local client = http.connect(server)
      client:Write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc")
      co.sleep(5)
      client:Shutdown()
      assert.are.equal(400, http.read(client).status)
      assert.is_nil(outcome[1])
      assert.is_string(outcome[3])
    end)
  )

  it(
    "while its answer is ended lets the handler know",
    spec(function()
      local outcomes
      local server = http.serve(function(req, res)
        res:Write("a")
        tasks.wait("the end of the client", function()
          return req.exchange.broken
        end)
      end)
      local ended
      server.handler = function(req, res)
        res:OnEnd(function()
          ended = true
        end)
        res:Write("a")
        co.shield(function()
          tasks.wait("the end of the client", function()
            return req.exchange.broken
          end)
          outcomes = { { res:Write("b") }, { res:End() }, { res:Flush() } }
        end)
      end
      local client = http.connect_rudely(server)
      client:Write(http.get("/"))
      co.sleep(10)
      client:Close(0)
      tasks.wait("the outcomes", function()
        return outcomes
      end)
      for i = 1, 3 do
        assert.are.equal("ESOCKCLOSE", outcomes[i][3])
      end
      assert.is_true(ended)
    end)
  )
end)

describe("a handler that fails", function()
  it(
    "is answered with 500 and an id, and told of with its traceback",
    spec(function()
      local server, told = serve_with_errors(function()
        error("secret words")
      end)
      local answer, client = http.ask(server, http.get("/"))
      assert.are.equal(500, answer.status)
      local id = answer.fields["x-request-id"]
      assert(#id > 0 and answer.body:find(id, 1, true))
      assert.is_nil(answer.body:find("secret", 1, true))
      assert.are.equal(1, #told)
      assert.matches("secret words", told[1].problem)
      assert.matches("http_server_hostile_spec", told[1].traceback)
      assert.are.equal(id, told[1].req.id)
      client:Write(http.get("/"))
      assert.are.equal(500, http.read(client).status)
      assert.are.equal(2, server:Stats().errors)
    end)
  )

  it(
    "takes back what it had set about its content",
    spec(function()
      local server = serve_with_errors(function(_, res)
        res:Status(201):Set("Content-Type", "image/png"):Set("Content-Length", 7)
        res:Set("ETag", '"x"'):Set("X-Kept", "yes")
        error("no")
      end)
      local answer = http.ask(server, http.get("/"))
      assert.are.equal(500, answer.status)
      assert.are.equal("text/plain; charset=utf-8", answer.fields["content-type"])
      assert.is_nil(answer.fields.etag)
      assert.are.equal("yes", answer.fields["x-kept"])
    end)
  )

  it(
    "with an error of http.error is answered with that",
    spec(function()
      local server, told = serve_with_errors(function()
        error(chuck.http.error(404, "no such user", { ["X-A"] = "1" }))
      end)
      local answer = http.ask(server, http.get("/"))
      assert.are.equal(404, answer.status)
      assert.are.equal("no such user\n", answer.body)
      assert.are.equal("1", answer.fields["x-a"])
      assert.are.equal(0, #told)
    end)
  )

  it(
    "behind its head cuts the connection, and never ends the body",
    spec(function()
      local server, told = serve_with_errors(function(_, res)
        res:Write("half of it")
        co.sleep(5)
        error("no")
      end)
      local client = http.connect(server)
      client:Write(http.get("/"))
      local text = client:ReadAll(nil, http.PATIENCE) or ""
      assert.is_nil(text:find("0\r\n\r\n", 1, true))
      assert.are.equal(1, #told)
      await_connections(server, 0)
    end)
  )

  it(
    "behind its answer harms nobody",
    spec(function()
      local server, told = serve_with_errors(function(_, res)
        res:End("done")
        error("no")
      end)
      local answer, client = http.ask(server, http.get("/"))
      assert.are.equal("done", answer.body)
      client:Write(http.get("/"))
      assert.are.equal("done", http.read(client).body)
      assert.are.equal(2, #told)
    end)
  )

  it(
    "in its hooks is told of, and ends nothing else",
    spec(function()
      local told = {}
      co.on_error(function(problem)
        told[#told + 1] = tostring(problem)
      end)
      local server = serve_with_errors(function(req, res)
        if req.path == "/head" then
          res:OnHead(function()
            error("at the head")
          end)
          error("first")
        elseif req.path == "/end" then
          res:OnEnd(function()
            error("at the end")
          end)
        end
        return req.path
      end)
      local client = http.connect(server)
      client:Write(http.get("/head"))
      http.assert_end(client)
      client = http.connect(server)
      client:Write(http.get("/end") .. http.get("/3"))
      assert.are.equal("/end", http.read(client).body)
      assert.are.equal("/3", http.read(client).body)
      assert.matches("at the head", told[1])
      assert.matches("at the end", told[2])
    end)
  )

  it(
    "while others wait behind it leaves them in order",
    spec(function()
      local server = serve_with_errors(function(req)
        if req.path == "/bad" then
          error({})
        end
        return req.path
      end)
      local client = http.connect(server)
      client:Write(http.get("/1") .. http.get("/bad") .. http.get("/3"))
      assert.are.equal("/1", http.read(client).body)
      assert.are.equal(500, http.read(client).status)
      assert.are.equal("/3", http.read(client).body)
    end)
  )

  it(
    "or whose on_error fails is told of as errors of tasks are",
    spec(function()
      local told = {}
      co.on_error(function(problem)
        told[#told + 1] = tostring(problem)
      end)
      local server = http.serve(function()
        error("first")
      end, {
        on_error = function()
          error("second")
        end,
      })
      assert.are.equal(500, http.ask(server, http.get("/")).status)
      assert.matches("second", told[1])
      assert.matches("first", told[2])
    end)
  )

  it(
    "by being silent for too long is answered 503, and cancelled",
    spec(function()
      local cancelled
      local server = http.serve(function(req)
        if req.path == "/well" then
          return
        end
        local _, problem = co.pcall(co.sleep, 1e6)
        cancelled = tostring(problem)
        error(problem, 0)
      end, { handler_ms = 60 })
      local answer, client = http.ask(server, http.get("/"))
      assert.are.equal(503, answer.status)
      http.assert_end(client)
      tasks.wait("the cancellation", function()
        return cancelled
      end)
      assert.matches("silent", cancelled)
      assert_served(server)
    end)
  )

  it(
    "by being silent behind its head is cut off",
    spec(function()
      local server = http.serve(function(_, res)
        res:Write("a")
        co.sleep(1e6)
      end, { handler_ms = 60 })
      local client = http.connect(server)
      client:Write(http.get("/"))
      local text = client:ReadAll(nil, http.PATIENCE) or ""
      assert.is_nil(text:find("0\r\n\r\n", 1, true))
      tasks.wait("the handler", function()
        return server:Stats().active == 0
      end)
    end)
  )

  it(
    "does not by being slow when it has said so",
    spec(function()
      local server = http.serve(function(_, res)
        res:SetTimeout(0)
        co.sleep(200)
        return "late"
      end, { handler_ms = 40 })
      assert.are.equal("late", http.ask(server, http.get("/")).body)
    end)
  )

  it(
    "that ignores its cancellation cannot answer any more",
    spec(function()
      local outcome
      local server = http.serve(function(_, res)
        co.pcall(co.sleep, 1e6)
        outcome = { res:End("late") }
      end, { handler_ms = 60 })
      local answer, client = http.ask(server, http.get("/"))
      assert.are.equal(503, answer.status)
      http.assert_end(client)
      tasks.wait("the outcome", function()
        return outcome
      end)
      assert.is_nil(outcome[1])
    end)
  )

  it(
    "in a task that it has started is told of, and the request goes on",
    spec(function()
      local told = {}
      co.on_error(function(problem)
        told[#told + 1] = tostring(problem)
      end)
      local server = http.serve(function()
        co.spawn(error, "beside")
        co.sleep(5)
        return "fine"
      end)
      assert.are.equal("fine", http.ask(server, http.get("/")).body)
      assert.matches("beside", told[1])
    end)
  )
end)

describe("a server under the collector", function()
  it(
    "keeps what is under way",
    spec(function()
      local server = http.serve(function(req, res)
        collectgarbage()
        local body = req:Body()
        collectgarbage()
        res:Write(body)
        collectgarbage()
        res:End(req.headers.host)
      end)
      local client = http.connect(server)
      for i = 1, 10 do
        client:Write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        co.sleep(1)
        collectgarbage()
        client:Write(("4\r\n%04d\r\n0\r\n\r\n"):format(i))
        assert.are.equal(("%04da"):format(i), http.read(client).body)
      end
    end)
  )

  it(
    "forgets its connections and requests",
    spec(function()
      local seen = setmetatable({}, { __mode = "k" })
      local server = http.serve(function(req, res)
        seen[req], seen[res], seen[req.exchange] = true, true, true
      end)
      for _ = 1, 20 do
        local _, client = http.ask(server, http.get("/"))
        client:Close(0)
      end
      await_connections(server, 0)
      tasks.wait("the collector", function()
        -- What the last pass has run is still in its lists.
        co.sleep(1)
        collectgarbage()
        collectgarbage()
        local left = 0
        for _ in pairs(seen) do
          left = left + 1
        end
        return left <= 6
      end)
    end)
  )

  it("can be left with everything open", function()
    chuck.co.run(function()
      local server = chuck.http.serve("127.0.0.1:0", function()
        co.sleep(1e6)
      end)
      local stream = chuck.io.connect(server:GetSockAddr())
      stream:Write(http.get("/"))
      co.sleep(10)
      chuck.co.stop()
    end)
  end)
end)
