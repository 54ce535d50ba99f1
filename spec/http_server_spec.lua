--- The HTTP server: requests in, answers out, over raw connections.
local chuck = require("chuck")
local http = require("spec.helper.http")
local net = require("spec.helper.net")
local tasks = require("spec.helper.tasks")

local co = chuck.co
local serve, spec = http.serve, tasks.spec

describe("a server", function()
  it(
    "answers with what its handler returns",
    spec(function()
      local server = serve(function(req)
        return "you asked for " .. req.path
      end)
      local answer = http.ask(server, http.get("/here"))
      assert.are.equal(200, answer.status)
      assert.are.equal("you asked for /here", answer.body)
      assert.are.equal("19", answer.fields["content-length"])
      assert.matches("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$", answer.fields.date)
    end)
  )

  it(
    "answers with an empty body when the handler returns nothing",
    spec(function()
      local answer = http.ask(serve(function() end), http.get("/"))
      assert.are.equal(200, answer.status)
      assert.are.equal("0", answer.fields["content-length"])
    end)
  )

  it(
    "takes one request after the other on a connection",
    spec(function()
      local server = serve(function(req)
        return req.path
      end)
      local client = http.connect(server)
      for i = 1, 5 do
        client:Write(http.get("/" .. i))
        assert.are.equal("/" .. i, http.read(client).body)
      end
      assert.are.equal(5, server:Stats().requests)
      assert.are.equal(1, server:Stats().accepted)
    end)
  )

  it(
    "answers pipelined requests in their order, one at a time",
    spec(function()
      local most, running = 0, 0
      local server = serve(function(req)
        running = running + 1
        most = math.max(most, running)
        co.sleep(tonumber(req.path:sub(2)) % 3)
        running = running - 1
        return req.path
      end)
      local client = http.connect(server)
      local requests = {}
      for i = 1, 60 do
        requests[i] = http.get("/" .. i)
      end
      client:Write(table.concat(requests))
      for i = 1, 60 do
        assert.are.equal("/" .. i, http.read(client).body)
      end
      assert.are.equal(1, most)
    end)
  )

  it(
    "runs handlers of different connections at the same time",
    spec(function()
      local waiting = {}
      local server = serve(function(req)
        waiting[req.path] = true
        tasks.wait("the other one", function()
          return waiting["/a"] and waiting["/b"]
        end)
        return "both"
      end)
      local a, b = http.connect(server), http.connect(server)
      a:Write(http.get("/a"))
      b:Write(http.get("/b"))
      assert.are.equal("both", http.read(a).body)
      assert.are.equal("both", http.read(b).body)
    end)
  )

  it(
    "begins a request when the one before has returned",
    spec(function()
      local gate = co.channel(1)
      local server = serve(function(req, res)
        res:End(req.path)
        if req.path == "/1" then
          gate:Recv()
        end
      end)
      local client = http.connect(server)
      client:Write(http.get("/1") .. http.get("/2"))
      assert.are.equal("/1", http.read(client).body)
      co.sleep(5)
      assert.are.equal(1, server:Stats().requests)
      gate:Send(true)
      assert.are.equal("/2", http.read(client).body)
    end)
  )

  it(
    "takes a callable table for a handler",
    spec(function()
      local app = setmetatable({}, {
        __call = function(_, _, res)
          res:Text("called")
        end,
      })
      assert.are.equal("called", http.ask(serve(app), http.get("/")).body)
    end)
  )

  it(
    "listens at several addresses",
    spec(function()
      local server = tasks.own(chuck.http.server({
        handler = function(req)
          return req.remote
        end,
      }))
      assert(server:Listen("127.0.0.1:0"))
      assert(server:Listen("127.0.0.1:0"))
      assert.are_not.equal(server:GetSockAddr(1), server:GetSockAddr(2))
      assert.matches("^127%.0%.0%.1:%d+$", http.ask(server, http.get("/")).body)
      local second = tasks.own(assert(chuck.io.connect(server:GetSockAddr(2))))
      second:Write(http.get("/"))
      assert.are.equal(200, http.read(second).status)
    end)
  )

  it(
    "tells when it cannot listen",
    spec(function()
      local server = serve(function() end)
      local other, message, code = chuck.http.serve(server:GetSockAddr(), function() end)
      assert.is_nil(other)
      assert.matches("listen at 127", message)
      assert.are.equal("EADDRINUSE", code)
    end)
  )
end)

describe("a request", function()
  it(
    "has its fields in a table that can be gone through",
    spec(function()
      local seen = {}
      local server = serve(function(req)
        for name, value in pairs(req.headers) do
          seen[#seen + 1] = name .. "=" .. value
        end
        local headers = req.headers
        return ("%s %s %s %s"):format(
          headers["X-A"],
          headers["x-a"],
          headers["X-a"],
          tostring(headers["y"])
        )
      end)
      local answer = http.ask(server, http.get("/", "X-A: 1", "x-B: 2", "x-a: 3"))
      assert.are.equal("1, 3 1, 3 1, 3 nil", answer.body)
      table.sort(seen)
      assert.are.same({ "host=a", "x-a=1, 3", "x-b=2" }, seen)
    end)
  )

  it(
    "has everything of its head, decoded when it is asked for",
    spec(function()
      local seen
      local server = serve(function(req)
        seen = req
        assert(req.headers.host == "a" and req.version == "1.1")
      end)
      http.ask(server, http.get("/a/b?x=1", "X-Two: a", "x-two: b"))
      assert.are.equal("GET", seen.method)
      assert.are.equal("/a/b?x=1", seen.target)
      assert.are.equal("/a/b", seen.path)
      assert.are.equal("x=1", seen.raw_query)
      assert.are.equal("1.1", seen.version)
      assert.are.equal("a", seen.headers.Host)
      assert.are.equal("a, b", seen.headers["X-TWO"])
      assert.are.equal("a, b", seen:Header("x-Two"))
      assert.is_nil(seen.headers.nothing)
      assert.are.same({ { "Host", "a" }, { "X-Two", "a" }, { "x-two", "b" } }, seen:Headers())
      assert.are.same({}, seen.params)
      assert.are.same({}, seen.context)
      assert.is_false(seen.is_head)
      assert.are.equal("127.0.0.1", seen.ip)
    end)
  )

  it(
    "has an id that no other has",
    spec(function()
      local ids = {}
      local server = serve(function(req)
        assert(req.id == req.id)
        ids[#ids + 1] = req.id
      end)
      http.ask(server, http.get("/"))
      http.ask(server, http.get("/"))
      assert.are_not.equal(ids[1], ids[2])
    end)
  )

  it(
    "has the path of an absolute target",
    spec(function()
      local server = serve(function(req)
        return req.path .. " " .. req.raw_query
      end)
      local answer = http.ask(server, http.text("GET http://a/x?y HTTP/1.1", "Host: a"))
      assert.are.equal("/x y", answer.body)
      answer = http.ask(server, http.text("GET http://a HTTP/1.1", "Host: a"))
      assert.are.equal("/ ", answer.body)
    end)
  )

  it(
    "has a body that came with the head",
    spec(function()
      local server = serve(function(req)
        return req:Body() .. "," .. req:Body()
      end)
      assert.are.equal("abc,abc", http.ask(server, http.post("/", "abc")).body)
      assert.are.equal(",", http.ask(server, http.get("/")).body)
    end)
  )

  it(
    "has a body that comes later, in pieces and in chunks",
    spec(function()
      local server = serve(function(req)
        return req:Body()
      end)
      local client = http.connect(server)
      client:Write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n")
      co.sleep(5)
      client:Write("abc")
      co.sleep(5)
      client:Write("def")
      assert.are.equal("abcdef", http.read(client).body)
      client:Write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc")
      co.sleep(5)
      client:Write("\r\n4\r\ndefg\r\n0\r\n\r\n")
      assert.are.equal("abcdefg", http.read(client).body)
    end)
  )

  it(
    "gives a large body piece by piece, and holds the client back",
    spec(function()
      local size = 4 * 1024 * 1024
      local largest = 0
      local server = serve(function(req)
        local total = 0
        co.sleep(20)
        while true do
          local piece = req:Read()
          if not piece then
            break
          end
          largest = math.max(largest, req.inflow.size + #piece)
          total = total + #piece
        end
        return tostring(total)
      end)
      local answer = http.ask(server, http.post("/", ("x"):rep(size)))
      assert.are.equal(tostring(size), answer.body)
      assert(largest <= 1024 * 1024, largest .. " bytes were kept")
    end)
  )

  it(
    "gives pieces of at most a size",
    spec(function()
      local server = serve(function(req)
        local sizes = {}
        repeat
          local piece = req:Read(4)
          sizes[#sizes + 1] = piece
        until not piece
        return table.concat(sizes, "|")
      end)
      assert.are.equal("abcd|efgh|ij", http.ask(server, http.post("/", "abcdefghij")).body)
      local client = http.connect(server)
      client:Write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
      co.sleep(5)
      client:Write("abcdefghij")
      assert.are.equal("abcd|efgh|ij", http.read(client).body)
    end)
  )

  it(
    "refuses a body above the handler's own limit, however it comes",
    spec(function()
      local server = serve(function(req, res)
        local body, message, code = req:Body(5)
        assert(not body)
        res:Status(413):Text(message .. " " .. code)
      end)
      local expected = "a body of more than 5 bytes EHTTPTOOLARGE"
      assert.are.equal(expected, http.ask(server, http.post("/", "123456")).body)
      local client = http.connect(server)
      client:Write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
      co.sleep(5)
      client:Write("6\r\n123456\r\n0\r\n\r\n")
      assert.are.equal(expected, http.read(client).body)
      client:Write(http.post("/", "123456"))
      assert.are.equal(expected, http.read(client).body)
    end)
  )

  it(
    "has the trailers of a body in chunks",
    spec(function()
      local server = serve(function(req)
        local before = req:Trailers()
        local body = req:Body()
        local trailers = req:Trailers()
        return ("%s %s %s=%s"):format(tostring(before), body, trailers[1][1], trailers[1][2])
      end)
      local client = http.connect(server)
      client:Write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
      co.sleep(5)
      client:Write("3\r\nabc\r\n0\r\nSum: 7\r\n\r\n")
      assert.are.equal("nil abc Sum=7", http.read(client).body)
    end)
  )

  it(
    "whose turn has not come has its body kept, up to a limit",
    spec(function()
      local gate, kept = co.channel(1), nil
      local server = serve(function(req)
        if req.path == "/first" then
          gate:Recv()
          kept = req.exchange.inflow.size
          return "first"
        end
        return tostring(#req:Body())
      end)
      local client = http.connect(server)
      co.spawn(function()
        client:Write(
          http.get("/first") .. http.post("/", ("x"):rep(3000000)) .. http.post("/", "y")
        )
      end)
      co.sleep(30)
      gate:Send(true)
      assert.are.equal("first", http.read(client).body)
      assert.are.equal("3000000", http.read(client).body)
      assert.are.equal("1", http.read(client).body)
      assert(kept <= 1024 * 1024, kept .. " bytes were kept")
    end)
  )

  it(
    "whose body was not read leaves the connection in step",
    spec(function()
      local server = serve(function(req)
        return req.path
      end)
      local client = http.connect(server)
      client:Write("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
      assert.are.equal("/1", http.read(client).body)
      client:Write(("x"):rep(100000) .. http.get("/2"))
      assert.are.equal("/2", http.read(client).body)
    end)
  )

  it(
    "whose large body was not read ends the connection, and says so",
    spec(function()
      local server = serve(function(req)
        return req.path
      end)
      local client = http.connect(server)
      client:Write("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\nabc")
      local answer = http.read(client)
      assert.are.equal("/1", answer.body)
      assert.are.equal("close", answer.fields.connection)
      http.assert_end(client)
    end)
  )

  it(
    "is told to go on when its body is first read",
    spec(function()
      local server = serve(function(req)
        co.sleep(5)
        return "got " .. req:Body()
      end)
      local client = http.connect(server)
      client:Write(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
      )
      local interim = http.read(client)
      assert.are.equal(100, interim.status)
      assert.are.same({}, interim.lines)
      client:Write("abc")
      assert.are.equal("got abc", http.read(client).body)
      client:Write(http.get("/"))
      assert.are.equal("got ", http.read(client).body)
    end)
  )

  it(
    "is not told to go on when nobody wants its body",
    spec(function()
      local server = serve(function(_, res)
        res:Status(403):Text("no")
      end)
      local client = http.connect(server)
      client:Write(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
      )
      local answer = http.read(client)
      assert.are.equal(403, answer.status)
      assert.are.equal("close", answer.fields.connection)
      http.assert_end(client)
    end)
  )

  it(
    "has its path, query and cookies decoded",
    spec(function()
      local seen = {}
      local server = serve(function(req)
        seen.path, seen.raw_path = req.path, req.raw_path
        seen.x, seen.y, seen.none = req.query.x, req.query.y, req.query.none
        seen.all = req:Query("x")
        seen.cookies = req.cookies
      end)
      http.ask(server, http.get("/a%20b/%2F?x=1&y=%20z+&x=2", 'Cookie: s=1; t="2"', "Cookie: s=3"))
      assert.are.equal("/a b//", seen.path)
      assert.are.equal("/a%20b/%2F", seen.raw_path)
      assert.are.same({ "1", " z ", nil }, { seen.x, seen.y, seen.none })
      assert.are.same({ "1", "2" }, seen.all)
      assert.are.equal("1", seen.cookies.s)
      assert.are.equal("2", seen.cookies.t)
    end)
  )

  it(
    "with too many pairs in its query is answered 400 when they are asked for",
    spec(function()
      local server = serve(function(req)
        return req.query.a
      end)
      local answer = http.ask(server, http.get("/?" .. ("a&"):rep(2000)))
      assert.are.equal(400, answer.status)
      assert.matches("more than 1000 pairs", answer.body)
    end)
  )

  it(
    "has a body of JSON",
    spec(function()
      local server = serve(function(req, res)
        local value, message, code = req:Json()
        if not value then
          return res:Status(400):Text(code .. " " .. message)
        end
        res:Json({ twice = value.n * 2 }, 201)
      end)
      local answer = http.ask(server, http.post("/", '{"n": 21}'))
      assert.are.equal(201, answer.status)
      assert.are.equal("application/json", answer.fields["content-type"])
      assert.are.equal('{"twice":42}', answer.body)
      answer = http.ask(server, http.post("/", "{"))
      assert.matches("^EINVAL the body is no JSON: ", answer.body)
    end)
  )

  it(
    "keeps its body for who asks again after having been cancelled",
    spec(function()
      for _, again in ipairs({ "Body", "Read" }) do
        local gave_up = false
        local server = serve(function(req)
          local _, given = co.pcall(co.with_deadline, 30, req.Body, req)
          gave_up = true
          local text = req[again](req)
          while again == "Read" and #text < 20000 do
            text = text .. req:Read()
          end
          return tostring(given) .. " " .. text
        end)
        local client = http.connect(server)
        local body = net.pattern(20000)
        client:Write(
          http.text("POST / HTTP/1.1", "Host: a", "Content-Length: 20000", { body:sub(1, 9000) })
        )
        tasks.wait("the deadline", function()
          return gave_up
        end)
        client:Write(body:sub(9001))
        net.assert_same_bytes("nil " .. body, http.read(client).body)
      end
    end)
  )
end)

describe("a response", function()
  it(
    "takes no attribute of a cookie that there is not",
    spec(function()
      local problem
      local server = serve(function(_, res)
        problem = select(2, pcall(res.Cookie, res, "a", "b", { HttpOnly = true }))
      end)
      assert.is_nil(http.ask(server, http.get("/")).fields["set-cookie"])
      assert.matches("bad argument to 'Cookie' %(unknown option HttpOnly%)", problem)
    end)
  )

  it(
    "of a status that answers nothing is an error",
    spec(function()
      local problem
      local server = serve(function(_, res)
        res:Status(103):End()
      end, {
        on_error = function(why)
          problem = why
        end,
      })
      local client = http.connect(server)
      client:Write(http.get("/") .. http.get("/"))
      assert.are.equal(500, http.read(client).status)
      assert.are.equal(500, http.read(client).status)
      assert.matches("status 103 does not answer a request", problem)
    end)
  )

  it(
    "with 205 has no content",
    spec(function()
      local server = serve(function(req, res)
        res:Status(205)
        if req.path == "/pieces" then
          res:Write("words")
        end
        return "words"
      end)
      local client = http.connect(server)
      for _, path in ipairs({ "/", "/pieces" }) do
        client:Write(http.get(path))
        local answer = http.read(client)
        assert.are.equal(205, answer.status)
        assert.are.equal("0", answer.fields["content-length"])
      end
    end)
  )

  it(
    "has no trailers that say how it is sent",
    spec(function()
      local problems = {}
      local server = serve(function(_, res)
        for i, name in ipairs({ "Content-Length", "transfer-encoding", "Content-Type" }) do
          problems[i] = select(2, pcall(res.Trailers, res, { name, "1" }))
        end
      end)
      assert.are.equal(200, http.ask(server, http.get("/")).status)
      assert.are.equal(3, #problems)
      assert.matches("transfer%-encoding cannot be a trailer", problems[2])
    end)
  )

  it(
    "has whole numbers in fields in digits",
    spec(function()
      local server = serve(function(_, res)
        res:Set("A", 10 / 2):Add("B", 2.5):Set("Content-Length", 4 / 2)
        res:End("ab")
      end)
      local answer = http.ask(server, http.get("/"))
      assert.are.equal("5", answer.fields.a)
      assert.are.equal("2.5", answer.fields.b)
      assert.are.equal("ab", answer.body)
    end)
  )

  it(
    "has a status, fields in their order, and a body",
    spec(function()
      local server = serve(function(_, res)
        res:Status(201, "Made"):Set("X-A", "1"):Add("X-B", "2"):Add("X-B", 3):Set("x-a", "4")
        assert(res:Get("X-B") == "2, 3")
        assert(res:Get("nothing") == nil)
        return "body"
      end)
      local answer = http.ask(server, http.get("/"))
      assert.are.equal(201, answer.status)
      assert.are.equal("Made", answer.reason)
      assert.are.same(
        { "X-A: 4", "X-B: 2", "X-B: 3" },
        { answer.lines[1], answer.lines[2], answer.lines[3] }
      )
    end)
  )

  it(
    "lets fields be taken out",
    spec(function()
      local server = serve(function(_, res)
        res:Add("X-A", "1"):Add("X-A", "2"):Set("x-a", nil):Set("X-B", "1")
      end)
      local answer = http.ask(server, http.get("/"))
      assert.is_nil(answer.fields["x-a"])
      assert.are.equal("1", answer.fields["x-b"])
    end)
  )

  it(
    "is sent in chunks when it is written",
    spec(function()
      local server = serve(function(_, res)
        assert(not res:IsSent())
        res:Write("one, ")
        assert(res:IsSent() and not res:IsEnded())
        res:Write("")
        res:Write("two")
        res:End(", three")
        assert(res:IsEnded())
      end)
      local answer, client = http.ask(server, http.get("/"))
      assert.are.equal("chunked", answer.fields["transfer-encoding"])
      assert.are.equal("one, two, three", answer.body)
      client:Write(http.get("/"))
      assert.are.equal("one, two, three", http.read(client).body)
    end)
  )

  it(
    "has trailers behind its chunks",
    spec(function()
      local server = serve(function(_, res)
        res:Trailers({ "Sum", "7" })
        return "abc"
      end)
      local answer = http.ask(server, http.get("/"))
      assert.are.equal("abc", answer.body)
      assert.are.same({ "Sum: 7" }, answer.trailers)
    end)
  )

  it(
    "has the length that was announced, or is cut",
    spec(function()
      local server = serve(function(req, res)
        res:Set("Content-Length", 6):Write("abc")
        if req.path == "/whole" then
          res:Write("def")
        end
      end)
      local answer = http.ask(server, http.get("/whole"))
      assert.are.equal("6", answer.fields["content-length"])
      assert.are.equal("abcdef", answer.body)
      local client = http.connect(server)
      client:Write(http.get("/short"))
      assert.is_false((co.pcall(http.read, client)))
      assert.are.equal("abc", client:ReadAll())
    end)
  )

  it(
    "to HEAD has the head alone",
    spec(function()
      local server = serve(function(req, res)
        if req.path == "/chunks" then
          res:Write("hello")
          res:Write(" world")
          return
        end
        return "hello"
      end)
      local client = http.connect(server)
      client:Write(http.text("HEAD / HTTP/1.1", "Host: a"))
      assert.are.equal("5", http.read(client, true).fields["content-length"])
      client:Write(http.text("HEAD /chunks HTTP/1.1", "Host: a"))
      assert.are.equal("chunked", http.read(client, true).fields["transfer-encoding"])
      client:Write(http.get("/"))
      assert.are.equal("hello", http.read(client).body)
    end)
  )

  it(
    "of 204 and 304 has no body",
    spec(function()
      local server = serve(function(req, res)
        res:Status(tonumber(req.path:sub(2)))
        if req.raw_query == "write" then
          res:Write("body")
        else
          res:End("body")
        end
      end)
      local client = http.connect(server)
      for _, path in ipairs({ "/204", "/304", "/204?write", "/304?write" }) do
        client:Write(http.get(path))
        local answer = http.read(client)
        assert.is_nil(answer.fields["transfer-encoding"])
        assert.are.equal(tonumber(path:sub(2, 4)), answer.status)
      end
      client:Write(http.get("/200"))
      assert.are.equal("body", http.read(client).body)
    end)
  )

  it(
    "goes elsewhere by a URL that is one",
    spec(function()
      local server = serve(function(_, res)
        res:Redirect("/\195\188 x?a=%20")
      end)
      local client = http.connect(server)
      client:Write(http.get("/"))
      assert.are.equal("/%C3%BC%20x?a=%20", http.read(client).fields.location)
    end)
  )

  it(
    "is text, a page, JSON or a way elsewhere",
    spec(function()
      local server = serve(function(req, res)
        if req.path == "/text" then
          res:Text("a")
        elseif req.path == "/html" then
          res:Html("<p>")
        elseif req.path == "/own" then
          res:Set("content-type", "text/css"):Text("p{}")
        else
          res:Redirect("/there", 303)
        end
      end)
      local client = http.connect(server)
      local function type_of(path)
        client:Write(http.get(path))
        return http.read(client).fields["content-type"]
      end
      assert.are.equal("text/plain; charset=utf-8", type_of("/text"))
      assert.are.equal("text/html; charset=utf-8", type_of("/html"))
      assert.are.equal("text/css", type_of("/own"))
      client:Write(http.get("/else"))
      local answer = http.read(client)
      assert.are.equal(303, answer.status)
      assert.are.equal("/there", answer.fields.location)
    end)
  )

  it(
    "ends once: what comes later is told so",
    spec(function()
      local outcome
      local server = serve(function(_, res)
        res:End("a")
        outcome = { { res:End("b") }, { res:Write("c") } }
        return "d"
      end)
      assert.are.equal("a", http.ask(server, http.get("/")).body)
      local expected = { nil, "the response has ended", "EALREADY" }
      assert.are.same({ expected, expected }, outcome)
    end)
  )

  it(
    "raises at the line of who sets what cannot be sent",
    spec(function()
      local problems = {}
      local server = serve(function(_, res)
        local function try(fn, ...)
          local fine, problem = pcall(fn, res, ...)
          assert(not fine)
          problems[#problems + 1] = problem
        end
        try(res.Set, "X", "a\r\nb")
        try(res.Set, "X Y", "a")
        try(res.Add, "X", "a\0b")
        try(res.Add, "X", {})
        try(res.Status, 99)
        try(res.Status, "x")
        try(res.Write, 7)
        try(res.End, {})
        try(res.Trailers, { "a b", "c" })
        res:Write("a")
        try(res.Set, "X", "a")
        try(res.Status, 200)
      end)
      assert.are.equal("a", http.ask(server, http.get("/")).body)
      assert.are.equal(11, #problems)
      for i, problem in ipairs(problems) do
        assert(not problem:find("chuck/http"), i .. ": " .. problem)
      end
    end)
  )

  it(
    "calls hooks before its head and behind its end",
    spec(function()
      local log = {}
      local server = serve(function(_, res)
        res:OnHead(function(self)
          self:Set("X-Late", "yes")
          log[#log + 1] = "head"
        end)
        res:OnEnd(function(self)
          log[#log + 1] = "end " .. self.status
        end)
        log[#log + 1] = "handler"
        return "a"
      end)
      assert.are.equal("yes", http.ask(server, http.get("/")).fields["x-late"])
      assert.are.same({ "handler", "head", "end 200" }, log)
    end)
  )

  it(
    "sets cookies, and refuses what is none",
    spec(function()
      local problems = {}
      local server = serve(function(_, res)
        res:Cookie("a", "b", { http_only = true }):Cookie("c", "d")
        problems[1] = select(2, pcall(res.Cookie, res, "a b", "c"))
        problems[2] = select(2, pcall(res.Cookie, res, "a", "b", { max_age = "x" }))
        problems[3] = select(2, pcall(res.Json, res, print))
      end)
      local answer = http.ask(server, http.get("/"))
      assert.are.equal("Set-Cookie: a=b; HttpOnly", answer.lines[1])
      assert.are.equal("Set-Cookie: c=d", answer.lines[2])
      assert.matches("'Cookie' %(name of a cookie is no token%)", problems[1])
      assert.matches("'Cookie' %(option max_age: number expected", problems[2])
      assert.matches("'Json' %(a function cannot be JSON%)", problems[3])
    end)
  )

  it(
    "of many megabytes waits for a slow client",
    spec(function()
      local size, largest = 8 * 1024 * 1024, 0
      local server = serve(function(req, res)
        if req.path == "/end" then
          return ("x"):rep(size)
        end
        for _ = 1, size / 65536 do
          assert(res:Write(("x"):rep(65536)))
          largest = math.max(largest, req.exchange.conn:QueuedBytes())
        end
      end)
      local client = http.connect(server)
      client:Write(http.get("/write"))
      co.sleep(20)
      assert.are.equal(size, #http.read(client).body)
      assert(largest < 1024 * 1024, largest .. " bytes were queued")
      client:Write(http.get("/end"))
      assert.are.equal(size, #http.read(client).body)
    end)
  )

  it(
    "is flushed to the kernel",
    spec(function()
      local server = serve(function(req, res)
        res:Write("a")
        assert(res:Flush())
        return tostring(req.exchange.conn:QueuedBytes())
      end)
      assert.are.equal("a0", http.ask(server, http.get("/")).body)
    end)
  )
end)

describe("a wrong argument", function()
  --- Claims that a call raises, and blames this file.
  local function assert_blamed(words, fn, ...)
    local fine, problem = pcall(fn, ...)
    assert.is_false(fine, words)
    assert.matches("^spec/http_server_spec.lua:%d+: ", problem)
    assert.matches(words, problem)
  end

  it(
    "raises at the line of whoever called",
    spec(function()
      local http_of, nothing = chuck.http, function() end
      local server = serve(nothing)
      local calls = {
        {
          "'serve' %(string expected",
          function()
            http_of.serve(7, nothing)
          end,
        },
        {
          "'serve' %(handler: function or router expected, got table",
          function()
            http_of.serve("127.0.0.1:0", {})
          end,
        },
        {
          "unknown option colour",
          function()
            http_of.serve("127.0.0.1:0", nothing, { colour = 1 })
          end,
        },
        {
          "option idle_ms: milliseconds expected",
          function()
            http_of.serve("127.0.0.1:0", nothing, { idle_ms = -1 })
          end,
        },
        {
          "'server' %(handler",
          function()
            http_of.server({})
          end,
        },
        {
          "'Listen' %(string expected",
          function()
            server:Listen()
          end,
        },
        {
          "bad self",
          function()
            server.Stats({})
          end,
        },
        {
          "'Shutdown' %(milliseconds expected",
          function()
            server:Shutdown("soon")
          end,
        },
        {
          "400 to 599 expected, got 200",
          function()
            http_of.error(200)
          end,
        },
        {
          "'error' %(string expected",
          function()
            http_of.error(404, {})
          end,
        },
      }
      for _, call in ipairs(calls) do
        assert_blamed(call[1], call[2])
      end
    end)
  )

  it(
    "of a handler's calls raises there as well",
    spec(function()
      local count = 0
      local server = serve(function(req, res)
        for words, fn in pairs({
          ["'Body' %(count expected"] = function()
            req:Body(-1)
          end,
          ["'Read' %(positive integer expected"] = function()
            req:Read(0)
          end,
          ["'Text' %(string expected"] = function()
            res:Text({})
          end,
          ["a status is from 200 to 999, not x"] = function()
            res.status = "x"
            res:End()
          end,
          ["'OnEnd' %(function expected"] = function()
            res:OnEnd(1)
          end,
          ["'SetTimeout' %(milliseconds expected"] = function()
            res:SetTimeout("x")
          end,
          ["'Redirect' %(string expected"] = function()
            res:Redirect()
          end,
          ["'Start' %(size expected"] = function()
            res:Start(-1)
          end,
        }) do
          assert_blamed(words, fn)
          res.status = 200
          count = count + 1
        end
      end)
      assert.are.equal(200, http.ask(server, http.get("/")).status)
      assert.are.equal(8, count)
    end)
  )

  it("is to serve without tasks", function()
    assert_blamed("needs tasks", function()
      local server = chuck.http.serve("127.0.0.1:0", function() end)
      return server
    end)
  end)
end)

describe("an error of http.error", function()
  it("has a status, and words for people", function()
    local problem = chuck.http.error(404)
    assert.are.equal("404 Not Found", tostring(problem))
    assert.are.equal(404, problem.status)
    assert.are.equal("Not Found", problem.message)
    assert.are.equal("Not Found", chuck.http.reason(404))
    assert.are.equal("Sun, 06 Nov 1994 08:49:37 GMT", chuck.http.date(784111777))
  end)
end)
