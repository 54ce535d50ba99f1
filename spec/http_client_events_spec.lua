--- Events of servers: their lines, their connections, and their end.
local chuck = require("chuck")
local event_reader = require("chuck.http.client.event_reader")
local hand = require("spec.helper.http_hand")
local tasks = require("spec.helper.tasks")

local co, http = chuck.co, chuck.http

local HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"

--- Events of a text that comes in pieces of `size` bytes.
local function read(text, size)
  local reader, events = event_reader.new(1000), {}
  for at = 1, #text, size do
    assert(reader:Feed(text:sub(at, at + size - 1), events))
  end
  return events, reader
end

describe("the lines of an event stream", function()
  local text = "\239\187\191: hello\n"
    .. "data: one\n\n"
    .. "event: price\r\ndata:two\r\ndata:  three\r\nid: 7\r\n\r\n"
    .. "id\rdata\r\r"
    .. "event: nothing\n\n"
    .. "data: mixed\r\n\ndata: ends\n\r\ndata: of\r\r\ndata: lines\r\n\r"
    .. "unknown: x\nretry: 50\nretry: 5x\ndata: last\n\n"
    .. "data: cut off"

  it("mean the same in whatever pieces they come", function()
    local expected = {
      { event = "message", data = "one" },
      { event = "price", data = "two\n three", id = "7" },
      { event = "message", data = "", id = "" },
      { event = "message", data = "mixed", id = "" },
      { event = "message", data = "ends", id = "" },
      { event = "message", data = "of", id = "" },
      { event = "message", data = "lines", id = "" },
      { event = "message", data = "last", id = "" },
    }
    for size = 1, #text do
      local events, reader = read(text, size)
      assert.are.same(expected, events, "pieces of " .. size)
      assert.are.equal(50, reader.retry_ms)
    end
  end)

  it("are not kept beyond the limit", function()
    for _, line in ipairs({ "data: x\n", "xxxxxxxxxx" }) do
      local reader, events = event_reader.new(1000), {}
      local n = 0
      while reader:Feed(line, events) do
        n = n + 1
        assert(n < 2000, "no limit")
      end
    end
  end)
end)

describe("an event source", function()
  it(
    "gives events as they come",
    tasks.spec(function()
      local go = co.channel(10)
      local server = hand.serve(function(stream)
        stream:Write(HEAD)
        for i = 1, 3 do
          go:Recv()
          stream:Write(("id: %d\ndata: event %d\n\n"):format(i, i))
        end
        go:Recv()
      end)
      local source = tasks.own(http.event_source(server.url, { headers = { ["X-Own"] = "1" } }))
      assert.are.equal("ETIMEDOUT", select(3, source:Next(20)))
      for i = 1, 3 do
        go:Send(true)
        assert.are.same(
          { event = "message", data = "event " .. i, id = tostring(i) },
          source:Next(5000)
        )
      end
      local fields = server.requests[1].fields
      assert.are.same({ "text/event-stream", "1" }, { fields.accept, fields["x-own"] })
      assert.are.equal("3", source:LastId())
      assert.is_true(source:Stats().is_connected)
      go:Send(true)
    end)
  )

  it(
    "connects again and tells the last id",
    tasks.spec(function()
      local server = hand.serve(function(stream, request)
        stream:Write(HEAD .. "retry: 1\n\n")
        local from = tonumber(request.fields["last-event-id"] or "0")
        stream:Write(("id: %d\ndata: x\n\n"):format(from + 1))
        return "close"
      end)
      local source = tasks.own(http.event_source(server.url))
      for i = 1, 4 do
        assert.are.equal(tostring(i), assert(source:Next(5000)).id)
      end
      assert.are.equal("3", server.requests[4].fields["last-event-id"])
      assert.are.equal(4, source:Stats().connects)
    end)
  )

  it(
    "begins behind the id that it is given",
    tasks.spec(function()
      local server = hand.say(HEAD .. "data: x\n\n")
      local source = tasks.own(http.event_source(server.url, { last_event_id = "41" }))
      assert(source:Next(5000))
      assert.are.equal("41", server.requests[1].fields["last-event-id"])
    end)
  )

  it(
    "tries again while there is no server, and when the server is in trouble",
    tasks.spec(function()
      local server = hand.serve(function(stream, _, self)
        if #self.requests < 3 then
          stream:Write(hand.answer(503))
        else
          stream:Write(HEAD .. "data: back\n\n")
        end
      end)
      local source = tasks.own(http.event_source(server.url, { retry_ms = 1 }))
      assert.are.equal("back", assert(source:Next(5000)).data)
      local nobody =
        tasks.own(http.event_source("http://127.0.0.1:1/", { retry_ms = 1, retries = 2 }))
      local event, message, code = nobody:Next(5000)
      assert.is_nil(event)
      assert.is_string(message)
      assert.are.equal("ECONNREFUSED", code)
      assert.is_true(nobody:IsClosed())
    end)
  )

  it(
    "takes a silent connection for dead",
    tasks.spec(function()
      local server = hand.serve(function(stream, _, self)
        stream:Write(HEAD)
        if #self.requests == 2 then
          stream:Write("data: here\n\n")
        end
        stream:ReadAll()
        return "close"
      end)
      local source = tasks.own(http.event_source(server.url, { read_ms = 20, retry_ms = 1 }))
      assert.are.equal("here", assert(source:Next(5000)).data)
    end)
  )

  it(
    "ends for good at an answer that is no event stream",
    tasks.spec(function()
      for answer, expected in pairs({
        [hand.answer(404)] = "EPROTO",
        [hand.answer(200, { "Content-Type: text/html" })] = "EPROTO",
        ["HTTP/1.1 204 No Content\r\n\r\n"] = "EOF",
      }) do
        local server = hand.say(answer)
        local source = tasks.own(http.event_source(server.url))
        local event, message, code = source:Next(5000)
        assert.is_nil(event)
        assert.is_string(message)
        assert.are.equal(expected, code)
        assert.are.equal(expected, select(3, source:Next(5000)))
        assert.are.equal(1, #server.requests)
      end
    end)
  )

  it(
    "asks again for an event that was cut off, whose id had come already",
    tasks.spec(function()
      local server = hand.serve(function(stream, _, made)
        local text = "retry: 10\nid: 1\ndata: one\n\nid: 2\ndata: two"
        stream:Write(HEAD, #made.requests == 1 and text or "id: 2\ndata: two\n\n")
        return "close"
      end)
      local source = tasks.own(http.event_source(server.url))
      assert.are.equal("one", source:Next(5000).data)
      assert.are.same({ event = "message", data = "two", id = "2" }, source:Next(5000))
      assert.are.equal("1", server.requests[2].fields["last-event-id"])
      assert.are.equal("2", source:LastId())
    end)
  )

  it(
    "ends at an event that is too large",
    tasks.spec(function()
      local server = hand.say(HEAD .. "data: " .. ("x"):rep(2000))
      local source = tasks.own(http.event_source(server.url, { max_event = 1000 }))
      assert.are.equal("EHTTPTOOLARGE", select(3, source:Next(5000)))
    end)
  )

  it(
    "ends when it is closed, while nobody answers",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        stream:ReadAll()
        return "close"
      end)
      local own = hand.client()
      local source = tasks.own(http.event_source(server.url, { client = own }))
      local waiting = tasks.parked(source.Next, source)
      tasks.wait("the request", function()
        return #server.requests == 1
      end)
      source:Close()
      assert.are.equal("ESOCKCLOSE", tasks.finished(waiting)[3])
      assert.are.equal(0, own:Stats().connections)
    end)
  )

  it(
    "ends when its client is closed",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        stream:Write(HEAD, "retry: 10\ndata: one\n\n")
        stream:ReadAll()
        return "close"
      end)
      for _, target in ipairs({ "/", "/later" }) do
        local own = hand.client()
        local source = tasks.own(http.event_source(server.url .. target, { client = own }))
        if target == "/later" then
          assert.are.equal("one", source:Next(5000).data)
        end
        own:Close()
        assert.are.equal("ESOCKCLOSE", select(3, source:Next(5000)))
        assert.is_true(source:IsClosed())
      end
    end)
  )

  it(
    "keeps to the time of a wait while it connects, and goes on connecting",
    tasks.spec(function()
      local go = co.channel(1)
      local server = hand.serve(function(stream)
        go:Recv()
        stream:Write(HEAD, "data: late\n\n")
        stream:ReadAll()
        return "close"
      end)
      local source = tasks.own(http.event_source(server.url))
      for _ = 1, 3 do
        local start = co.now()
        assert.are.equal("ETIMEDOUT", select(3, source:Next(30)))
        assert(co.now() - start < 5000, "it has waited for the answer")
      end
      go:Send(true)
      assert.are.equal("late", source:Next(5000).data)
      assert.are.equal(1, #server.requests)
    end)
  )

  it(
    "leaves no connection behind when it is closed, or given up, with an answer that nobody had",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        co.sleep(60)
        stream:Write(HEAD)
        stream:ReadAll()
        return "close"
      end)
      local own = hand.client()
      local source = tasks.own(http.event_source(server.url, { client = own }))
      source:Next(20)
      tasks.wait("the answer", function()
        return own:Stats().active == 0
      end)
      source:Close()
      assert.are.equal(0, own:Stats().connections)
      source = tasks.own(http.event_source(server.url, { client = own }))
      co.with_deadline(20, source.Next, source)
      tasks.wait("the end of the try", function()
        return own:Stats().active == 0
      end)
      assert.are.equal(0, own:Stats().connections)
    end)
  )

  it(
    "is for one task at a time, also while it connects",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        stream:ReadAll()
        return "close"
      end)
      local source = tasks.own(http.event_source(server.url))
      tasks.parked(source.Next, source)
      tasks.wait("the request", function()
        return #server.requests == 1
      end)
      local fine, message = co.pcall(source.Next, source)
      assert.is_false(fine)
      assert.matches("another task waits for events already", message, 1, true)
      assert.are.equal(1, server.opened)
    end)
  )

  it(
    "leaves those alone that have given up waiting, when it is closed",
    tasks.spec(function()
      local source = tasks.own(http.event_source("http://127.0.0.1:1/", { retry_ms = 60000 }))
      local slept
      local task = co.spawn(function()
        co.with_deadline(100, source.Next, source)
        local start = co.now()
        slept = false
        co.sleep(300)
        slept = co.now() - start
      end)
      tasks.wait("the deadline", function()
        return slept == false
      end)
      source:Close()
      task:Join(5000)
      assert(slept >= 299, slept)
    end)
  )

  it(
    "ends when it is closed, while it waits for events and between tries",
    tasks.spec(function()
      local server = hand.serve(function(stream)
        stream:Write(HEAD)
        stream:ReadAll()
        return "close"
      end)
      local source = tasks.own(http.event_source(server.url))
      local waiting = tasks.parked(source.Next, source)
      tasks.wait("the connection", function()
        return source:Stats().is_connected
      end)
      source:Close()
      source:Close()
      assert.are.equal("ESOCKCLOSE", tasks.finished(waiting)[3])
      local nobody = tasks.own(http.event_source("http://127.0.0.1:1/", { retry_ms = 60000 }))
      waiting = tasks.parked(nobody.Next, nobody)
      tasks.wait("the first try", function()
        return nobody:Stats().last_problem
      end)
      nobody:Close()
      assert.are.equal("ESOCKCLOSE", tasks.finished(waiting)[3])
      assert.are.equal("ESOCKCLOSE", select(3, nobody:Next()))
    end)
  )

  it(
    "blames the caller's line for wrong arguments",
    tasks.spec(function()
      for _, call in ipairs({
        function()
          http.event_source()
        end,
        function()
          http.event_source("http://x/", { retries = -1 })
        end,
        function()
          http.event_source("http://x/", { no_such = 1 })
        end,
        function()
          http.event_source("http://x/"):Next(-1)
        end,
      }) do
        local line = debug.getinfo(call, "S").linedefined + 1
        local fine, message = pcall(call)
        assert.is_false(fine)
        assert.matches("http_client_events_spec.lua:" .. line .. ": ", message, 1, true)
      end
    end)
  )
end)
