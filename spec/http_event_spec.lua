--- Streams of events, byte by byte.
local assert = require("luassert")
local chuck = require("chuck")
local http = require("spec.helper.http")
local tasks = require("spec.helper.tasks")

local co = chuck.co
local spec = tasks.spec

--- A server whose handler gets a stream of events.
local function serve(fn, options)
  return http.serve(function(req, res)
    return fn(assert(res:EventStream(options)), req, res)
  end)
end

describe("a stream of events", function()
  it(
    "sends each as its lines say, and says what it is",
    spec(function()
      local server = serve(function(events)
        events:Send("one")
        events:Send({ event = "price", id = 7, data = "two\nlines\r\nor\rmore" })
        events:Send({ retry = 1000 / 2 })
        events:Send({ data = "" })
        events:Comment("nobody\nsees this")
      end)
      local answer = http.ask(server, http.get("/"))
      assert.are.equal("text/event-stream", answer.fields["content-type"])
      assert.are.equal("no-cache", answer.fields["cache-control"])
      assert.are.equal(
        "data: one\n\n"
          .. "event: price\nid: 7\ndata: two\ndata: lines\ndata: or\ndata: more\n\n"
          .. "retry: 500\n\n"
          .. "data: \n\n"
          .. ": nobody\n: sees this\n\n",
        answer.body
      )
    end)
  )

  it(
    "begins with the time to wait before connecting again, and knows what was got before",
    spec(function()
      local server = serve(function(events)
        events:Send(events.last_id or "none")
        assert.is_false(events:IsClosed())
        assert(events:Close())
        assert(events:Close())
        assert.is_true(events:IsClosed())
        assert.are.equal("EALREADY", select(3, events:Send("late")))
      end, { retry_ms = 198 / 2 })
      local answer = http.ask(server, http.get("/", "Last-Event-ID: 41"))
      assert.are.equal("retry: 99\n\ndata: 41\n\n", answer.body)
      assert.are.equal(0, server:Stats().errors)
    end)
  )

  it(
    "sends comments while nothing else is sent",
    spec(function()
      local release = co.channel(1)
      local server = serve(function()
        release:Recv()
      end, { heartbeat_ms = 10 })
      local client = http.connect(server)
      client:Write(http.get("/"))
      local text = ""
      while not text:find(":\n\n.*:\n\n") do
        text = text .. assert(client:ReadSome(nil, http.PATIENCE))
      end
      release:Send(true)
      assert(client:ReadSome(nil, http.PATIENCE))
    end)
  )

  it(
    "sends comments in the way in which everything else is sent",
    spec(function()
      local release, written = co.channel(1), {}
      local server = http.serve(function(_, res)
        local Write = res.Write
        function res.Write(self, bytes)
          written[#written + 1] = bytes
          return Write(self, bytes:upper())
        end
        local events = res:EventStream({ heartbeat_ms = 10 })
        release:Recv()
        events:Send("x")
      end)
      local client = http.connect(server)
      client:Write(http.get("/"))
      tasks.wait("a comment", function()
        return written[1]
      end)
      assert.are.equal(":\n\n", written[1])
      release:Send(true)
      assert.matches("DATA: X\n\n$", http.read(client).body)
    end)
  )

  it(
    "parks its sender while the client does not read, and goes on with it",
    spec(function()
      local sent, line = 0, ("x"):rep(1000)
      local server = serve(function(events)
        for _ = 1, 20000 do
          assert(events:Send(line))
          sent = sent + 1
        end
      end)
      local client = http.connect(server)
      client:Write(http.get("/"))
      local before = -1
      while sent ~= before or sent == 0 do
        before = sent
        co.sleep(50)
      end
      assert.is_true(sent < 20000)
      local answer = assert(http.read(client))
      assert.are.equal(20000 * 1008, #answer.body)
    end)
  )

  it(
    "ends its handler when the client has gone, though nothing was to be sent",
    spec(function()
      local ended = false
      local server = serve(function(_, _, res)
        res:OnEnd(function()
          ended = true
        end)
        co.sleep(1e7)
      end, { heartbeat_ms = 5 })
      local client = http.connect(server)
      client:Write(http.get("/"))
      assert(client:ReadSome(nil, http.PATIENCE))
      client:Close(0)
      tasks.wait("the end of the handler", function()
        return ended and server:Stats().active == 0
      end)
    end)
  )

  it(
    "outlives the time that handlers have otherwise",
    spec(function()
      local server = http.serve(function(_, res)
        local events = res:EventStream({ heartbeat_ms = 0 })
        co.sleep(150)
        events:Send("still here")
      end, { handler_ms = 40 })
      assert.are.equal("data: still here\n\n", http.ask(server, http.get("/")).body)
    end)
  )

  it(
    "has no body for HEAD, and none after the head of another answer",
    spec(function()
      local server = http.serve(function(req, res)
        if req.path == "/late" then
          res:Write("x")
          res:EventStream()
        end
        assert(res:EventStream()):Send("x")
      end, { on_error = function() end })
      local text = http.text("HEAD / HTTP/1.1", "Host: a")
      assert.are.equal(200, http.ask(server, text, true).status)
      local client = http.connect(server)
      client:Write(http.get("/late"))
      assert.is_nil((http.read(client)))
      assert.are.equal(1, server:Stats().errors)
    end)
  )

  it(
    "refuses what would be more than one event",
    spec(function()
      local problems, outcome = {}, nil
      local server = serve(function(events)
        for _, event in ipairs({
          { event = "a\nb" },
          { id = "a\rb" },
          { id = "a\0b" },
          { name = "x" },
          { retry = -1 },
          false,
        }) do
          local _, problem = pcall(function()
            events:Send(event)
          end)
          problems[#problems + 1] = tostring(problem)
        end
        outcome = { events:Send(("x"):rep(300000)) }
      end)
      assert.are.equal("", http.ask(server, http.get("/")).body)
      assert.are.equal(6, #problems)
      for _, problem in ipairs(problems) do
        assert.matches("http_event_spec%.lua:%d+: bad argument #1 to 'Send'", problem)
      end
      assert.are.equal("EMSGSIZE", outcome[3])
    end)
  )
end)
