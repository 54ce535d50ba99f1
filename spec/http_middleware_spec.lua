--- Ready layers, through real servers and sockets.
local chuck = require("chuck")
local http = require("spec.helper.http")
local layers = require("spec.helper.layers")
local native = require("chuck.native")
local tasks = require("spec.helper.tasks")

local middleware, router = chuck.http.middleware, chuck.http.router
local json = native.json
local app_of, ask, assert_blamed, get, hello =
  layers.app, layers.ask, layers.assert_blamed, layers.get, layers.hello

describe("cors", function()
  local function preflight(server, origin, ...)
    local line = "Access-Control-Request-Method: PUT"
    return ask(server, "OPTIONS", "/a", "Origin: " .. origin, line, ...).fields
  end

  it(
    "allows the origins of a list, and tells caches that it depends",
    tasks.spec(function()
      local layer = middleware.cors({
        origins = { "https://a.example", "null" },
        credentials = true,
        exposed = { "X-Total", "ETag" },
      })
      local server = http.serve(app_of(layer, function(req, res)
        res:Set("Vary", "Accept")
        return req.method
      end))
      local fields = get(server, "Origin: https://a.example").fields
      assert.are.equal("https://a.example", fields["access-control-allow-origin"])
      assert.are.equal("true", fields["access-control-allow-credentials"])
      assert.are.equal("X-Total, ETag", fields["access-control-expose-headers"])
      assert.are.equal("Accept, Origin", fields.vary)
      assert.are.equal("null", get(server, "Origin: null").fields["access-control-allow-origin"])
      for _, origin in ipairs({
        "https://b.example",
        "http://a.example",
        "https://a.example:1",
        "https://a.example.evil",
        "HTTPS://A.EXAMPLE",
        "https://a.example, https://a.example",
      }) do
        local answer = get(server, "Origin: " .. origin)
        assert.are.same({ 200, "GET" }, { answer.status, answer.body })
        assert.is_nil(answer.fields["access-control-allow-origin"], origin)
        assert.is_nil(answer.fields["access-control-allow-credentials"], origin)
        assert.are.equal("Accept, Origin", answer.fields.vary)
      end
      assert.are.equal("Accept, Origin", get(server).fields.vary)
    end)
  )

  it(
    "answers preflights itself",
    tasks.spec(function()
      local called = 0
      local server = http.serve(app_of(middleware.cors({ origins = "*" }), function()
        called = called + 1
      end))
      local fields =
        preflight(server, "https://x.example", "Access-Control-Request-Headers: x-a, x-b")
      assert.are.equal("*", fields["access-control-allow-origin"])
      assert.are.equal(
        "GET, HEAD, PUT, PATCH, POST, DELETE",
        fields["access-control-allow-methods"]
      )
      assert.are.equal("x-a, x-b", fields["access-control-allow-headers"])
      assert.are.equal("600", fields["access-control-max-age"])
      assert.is_nil(fields["access-control-expose-headers"])
      assert.matches("Access%-Control%-Request%-Headers", fields.vary)
      fields =
        preflight(server, "https://x.example", "Access-Control-Request-Headers: a\tb<script>")
      assert.is_nil(fields["access-control-allow-headers"])
      assert.are.equal(0, called)
      ask(server, "OPTIONS", "/a", "Origin: https://x.example")
      assert.are.equal(1, called)
    end)
  )

  it(
    "tells nothing to a preflight of an origin that is not allowed",
    tasks.spec(function()
      local layer = middleware.cors({
        origins = function(origin, req)
          return origin == "https://" .. req.query.name .. ".example"
        end,
        headers = { "X-A" },
        methods = { "GET", "PUT" },
        max_age = 10 / 2,
      })
      local server = http.serve(app_of(layer, hello))
      local line = "Access-Control-Request-Method: PUT"
      local answer = ask(server, "OPTIONS", "/?name=a", "Origin: https://b.example", line)
      assert.are.equal(204, answer.status)
      for name in pairs(answer.fields) do
        assert.is_nil(name:find("access-control", 1, true), name)
      end
      answer = ask(server, "OPTIONS", "/?name=a", "Origin: https://a.example", line)
      assert.are.equal("X-A", answer.fields["access-control-allow-headers"])
      assert.are.equal("GET, PUT", answer.fields["access-control-allow-methods"])
    end)
  )

  it(
    "is in errors too, and works before routes that know no OPTIONS",
    tasks.spec(function()
      local app = router():Use(middleware.cors({ origins = "https://a.example" }))
      app:Put("/a", function()
        error("a bug")
      end)
      local server = http.serve(app)
      assert.are.equal(
        "https://a.example",
        preflight(server, "https://a.example")["access-control-allow-origin"]
      )
      for path, status in pairs({ ["/a"] = 500, ["/b"] = 404 }) do
        local answer = ask(server, "PUT", path, "Origin: https://a.example", "Content-Length: 0")
        assert.are.equal(status, answer.status)
        assert.are.equal("https://a.example", answer.fields["access-control-allow-origin"])
      end
    end)
  )

  it("refuses options that cannot be, or are not safe", function()
    assert_blamed({
      function()
        middleware.cors()
      end,
      function()
        middleware.cors({})
      end,
      function()
        middleware.cors({ origins = "*", credentials = true })
      end,
      function()
        middleware.cors({ origins = { "https://a.example/" } })
      end,
      function()
        middleware.cors({ origins = { "a.example" } })
      end,
      function()
        middleware.cors({ origins = { "*" } })
      end,
      function()
        middleware.cors({ origins = "*", methods = { "A B" } })
      end,
      function()
        middleware.cors({ origins = "*", headers = { "a\r\nb" } })
      end,
      function()
        middleware.cors({ origins = "*", origin = "*" })
      end,
    })
  end)
end)

describe("request_id", function()
  it(
    "gives each request an id of its own, which errors name too",
    tasks.spec(function()
      local server = http.serve(app_of(middleware.request_id(), function(req)
        if req.path == "/bug" then
          error("a bug")
        end
        return req.id
      end))
      local one, other = get(server, "X-Request-Id: mine"), get(server)
      assert.matches("^%x+$", one.body)
      assert.are.equal(32, #one.body)
      assert.are.equal(one.body, one.fields["x-request-id"])
      assert.are_not.equal(one.body, other.body)
      local bug = ask(server, "GET", "/bug")
      assert.are.equal(500, bug.status)
      assert(bug.body:find(bug.fields["x-request-id"], 1, true))
      assert.are.equal(32, #bug.fields["x-request-id"])
    end)
  )

  it(
    "takes over that of a proxy that it trusts, if it is one",
    tasks.spec(function()
      local layer = middleware.request_id({
        trust = true,
        header = "X-Trace",
        generate = function()
          return "made"
        end,
      })
      local server = http.serve(app_of(layer, function(req)
        return req.id
      end))
      assert.are.equal("a-1.b", get(server, "X-Trace: a-1.b").body)
      for _, bad in ipairs({ "", "a b", "<script>", ("a"):rep(129), "a, b", "\255" }) do
        assert.are.equal("made", get(server, "X-Trace: " .. bad).body)
      end
      assert.are.equal("made", get(server, "X-Trace: a", "X-Trace: b").body)
      assert_blamed({
        function()
          middleware.request_id({ trust = 1 })
        end,
        function()
          middleware.request_id({ size = 1 })
        end,
      })
    end)
  )
end)

describe("timeout", function()
  it(
    "answers 503 in time, and ends what the handler does",
    tasks.spec(function()
      local ended = false
      local app = router():Use(middleware.timeout(30))
      app:Get("/", function()
        local fine, why = chuck.co.pcall(chuck.co.sleep, 60000)
        ended = not fine
        error(why, 0)
      end)
      app:Get("/quick", hello)
      local server = http.serve(app)
      local answer = get(server)
      assert.are.same(
        { 503, "the request takes longer than 30 ms\n" },
        { answer.status, answer.body }
      )
      assert.is_true(ended)
      assert.are.equal("hello", ask(server, "GET", "/quick").body)
      assert.are.equal(0, server:Stats().errors)
    end)
  )

  it(
    "cuts an answer that was begun",
    tasks.spec(function()
      local server = http.serve(app_of(middleware.timeout(30), function(_, res)
        res:Write("begun")
        chuck.co.sleep(60000)
      end))
      local client = http.connect(server)
      client:Write(http.get("/"))
      local text = client:ReadAll(nil, http.PATIENCE) or ""
      assert.is_nil(text:find("\r\n0\r\n", 1, true))
    end)
  )

  it(
    "lets errors and answers of handlers through",
    tasks.spec(function()
      local server = http.serve(app_of(middleware.timeout(60000), function(req, res)
        if req.path == "/no" then
          error(chuck.http.error(418))
        elseif req.path == "/spawn" then
          chuck.co.spawn(function()
            error(chuck.http.error(409, "from a task"))
          end)
          chuck.co.sleep(60000)
        end
        res:End("done")
        return nil
      end))
      assert.are.equal(418, ask(server, "GET", "/no").status)
      assert.are.equal(409, ask(server, "GET", "/spawn").status)
      assert.are.equal("done", get(server).body)
      assert_blamed({
        function()
          middleware.timeout()
        end,
        function()
          middleware.timeout("1")
        end,
      })
    end)
  )
end)

describe("body_limit", function()
  local function read(req)
    local text, message, code = req:Body()
    return text and "got " .. #text or code .. " " .. message
  end

  local function chunked(...)
    local text =
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _, size in ipairs({ ... }) do
      text = text .. ("%x\r\n%s\r\n"):format(size, ("x"):rep(size))
    end
    return text .. "0\r\n\r\n"
  end

  it(
    "answers 413 before the handler when too much is announced",
    tasks.spec(function()
      local called = 0
      local server = http.serve(app_of(middleware.body_limit(10), function(req)
        called = called + 1
        return read(req)
      end))
      assert.are.equal("got 10", http.ask(server, http.post("/", ("x"):rep(10))).body)
      local answer = http.ask(server, http.post("/", ("x"):rep(11)))
      assert.are.same({ 413, "a body of more than 10 bytes\n" }, { answer.status, answer.body })
      local text =
        http.text("POST / HTTP/1.1", "Host: a", "Content-Length: 100", "Expect: 100-continue")
      assert.are.equal(413, (http.ask(server, text)).status)
      assert.are.equal(1, called)
    end)
  )

  it(
    "stops a body without a length where it is too long",
    tasks.spec(function()
      local server = http.serve(app_of(middleware.body_limit(100000), read))
      assert.are.equal("got 100000", http.ask(server, chunked(50000, 50000)).body)
      local answer = http.ask(server, chunked(50000, 50001))
      assert(answer.status == 413 or answer.body:find("^EHTTPTOOLARGE"), answer.body)
      assert.are.equal(
        413,
        http.ask(http.serve(app_of(middleware.body_limit(10), read)), chunked(11)).status
      )
    end)
  )

  it(
    "counts what is read in pieces, and answers 413 for a handler that does not",
    tasks.spec(function()
      local seen
      local server = http.serve(app_of(middleware.body_limit(100000), function(req)
        local sum = 0
        seen = nil
        while true do
          local piece, message, code = req:Read(req.query.most and 1000)
          if not piece then
            seen = { sum = sum, message = message, code = code, again = select(3, req:Read()) }
            return
          end
          sum = sum + #piece
        end
      end))
      assert.are.equal(200, http.ask(server, chunked(99999)).status)
      assert.are.same({ sum = 99999 }, seen)
      local answer = http.ask(server, chunked(60000, 60000, 60000))
      assert.are.equal(413, answer.status)
      assert(seen.sum <= 100000)
      assert.are.same({ "EHTTPTOOLARGE", "EHTTPTOOLARGE" }, { seen.code, seen.again })
      assert_blamed({
        function()
          middleware.body_limit()
        end,
        function()
          middleware.body_limit(-1)
        end,
      })
    end)
  )
end)

describe("security_headers", function()
  it(
    "sets what the handler has not",
    tasks.spec(function()
      local layer = middleware.security_headers({
        ["content-security-policy"] = "default-src 'self'",
        ["X-frame-options"] = false,
      })
      local server = http.serve(app_of(layer, function(_, res)
        res:Set("Referrer-Policy", "no-referrer")
        return "x"
      end))
      local fields = get(server).fields
      assert.are.equal("nosniff", fields["x-content-type-options"])
      assert.are.equal("default-src 'self'", fields["content-security-policy"])
      assert.are.equal("no-referrer", fields["referrer-policy"])
      assert.are.equal("same-origin", fields["cross-origin-opener-policy"])
      assert.is_nil(fields["x-frame-options"])
      server = http.serve(app_of(middleware.security_headers(), function()
        error("a bug")
      end))
      assert.are.equal("nosniff", get(server).fields["x-content-type-options"])
      assert_blamed({
        function()
          middleware.security_headers(1)
        end,
        function()
          middleware.security_headers({ ["X-A"] = 1 })
        end,
        function()
          middleware.security_headers({ ["X A"] = "1" })
        end,
        function()
          middleware.security_headers({ ["X-A"] = "1\r\nX-B: 2" })
        end,
      })
    end)
  )
end)

describe("access_log", function()
  --- The lines of what was asked.
  local function lines_of(options, handler, requests)
    local lines = {}
    options.log = function(line)
      lines[#lines + 1] = line
    end
    local server = http.serve(app_of(middleware.access_log(options), handler))
    for i, text in ipairs(requests) do
      http.ask(server, text, text:find("^HEAD") ~= nil)
      tasks.wait("a line", function()
        return lines[i]
      end)
    end
    return lines
  end

  it(
    "writes a line for each request, as the common format has it",
    tasks.spec(function()
      local lines = lines_of({}, function(req, res)
        req.context.user = req.query.user
        if req.path == "/bug" then
          error("a bug")
        elseif req.path == "/pieces" then
          res:Write("abc")
          return "de"
        end
        return "hello"
      end, {
        http.get("/a?user=ann%20b"),
        http.get("/pieces"),
        http.text("HEAD / HTTP/1.0", "Host: a"),
        http.get("/bug"),
      })
      local time = " %[%d%d/%a%a%a/%d%d%d%d:%d%d:%d%d:%d%d %+0000%] "
      assert.matches(
        "^127%.0%.0%.1 %- ann\\x20b" .. time .. '"GET /a%?user=ann%%20b HTTP/1%.1" 200 5$',
        lines[1]
      )
      assert.matches("^127%.0%.0%.1 %- %-" .. time .. '"GET /pieces HTTP/1%.1" 200 5$', lines[2])
      assert.matches('"HEAD / HTTP/1%.0" 200 %-$', lines[3])
      assert.matches('"GET /bug HTTP/1%.1" 500 ', lines[4])
    end)
  )

  it(
    "lets nobody write lines of his own",
    tasks.spec(function()
      local agent = 'x" 200 7\t\\ \027[31m\195\169'
      local lines = lines_of({ format = "combined" }, function(req)
        req.context.user = 'a\n127.0.0.1 "\r'
        return ""
      end, {
        http.get("/%22%0a", "User-Agent: " .. agent:gsub("\027", ""), "Referer: http://r/"),
      })
      assert.are.equal(1, #lines)
      assert.is_nil(lines[1]:find("[^ -~]"))
      assert.matches("%- a\\x0a127%.0%.0%.1\\x20\\x22\\x0d %[", lines[1])
      assert(
        lines[1]:find('"http://r/" "x\\x22 200 7\\x09\\x5c [31m\\xc3\\xa9"', 1, true),
        lines[1]
      )
    end)
  )

  it(
    "writes JSON, also of bytes that are no characters",
    tasks.spec(function()
      local lines = lines_of({ format = "json" }, function(_, res)
        res:Status(404)
        return "no"
      end, { http.get("/a/b", "User-Agent: \255\254"), http.get("/c", "User-Agent: é") })
      local entry = json.decode(lines[1])
      assert.are.same({ "GET", "/a/b", 404, 2, "\\xff\\xfe", "127.0.0.1", "/*path" }, {
        entry.method,
        entry.target,
        entry.status,
        entry.bytes,
        entry.agent,
        entry.remote,
        entry.route,
      })
      assert(entry.ms >= 0)
      assert.are.equal("é", json.decode(lines[2]).agent)
    end)
  )

  it(
    "leaves out what it is to skip, and takes a format of one's own",
    tasks.spec(function()
      local lines = lines_of({
        skip = function(req)
          return req.path == "/health"
        end,
        format = function(entry)
          return entry.method .. " " .. entry.status
        end,
      }, hello, { http.get("/a") })
      assert.are.same({ "GET 200" }, lines)
    end)
  )

  it(
    "counts what leaves, compressed",
    tasks.spec(function()
      local bytes
      local app = router():Use(middleware.access_log({
        log = function(line)
          bytes = tonumber(line:match("%d+$"))
        end,
      }))
      app:Use(middleware.compress()):Get("/", function(_, res)
        res:Text(("a"):rep(5000))
      end)
      local answer = get(http.serve(app), "Accept-Encoding: gzip")
      assert.are.equal(#answer.body, bytes)
    end)
  )

  it(
    "serves on when the log fails",
    tasks.spec(function()
      local count = 0
      local server = http.serve(app_of(
        middleware.access_log({
          log = function()
            count = count + 1
            error("the disk is full")
          end,
        }),
        hello
      ))
      assert.are.equal("hello", get(server).body)
      assert.are.equal("hello", get(server).body)
      assert.are.equal(2, count)
    end)
  )

  it(
    "tells of what was not sent to its end",
    tasks.spec(function()
      local entry
      local layer = middleware.access_log({
        format = function(told)
          entry = told
          return ""
        end,
        log = function() end,
      })
      local server = http.serve(app_of(layer, function(_, res)
        while res:Write(("x"):rep(100000)) do
          chuck.co.yield()
        end
      end))
      local client = http.connect(server)
      client:Write(http.get("/"))
      assert(client:Read(1, http.PATIENCE))
      client:Close(0)
      tasks.wait("the end", function()
        return entry
      end)
      assert.are.same({ 200, true }, { entry.status, entry.aborted })
      assert(entry.bytes >= 100000)
    end)
  )

  it("writes to log files", function()
    local path = os.tmpname()
    local file = chuck.log.LogFile("access", { path = path, console = false })
    file:Log(chuck.log.INFO, "begins")
    assert(chuck.log.flush())
    tasks.run(function()
      get(http.serve(app_of(middleware.access_log({ log = file }), hello)))
      tasks.wait("the line", function()
        assert(chuck.log.flush())
        local lines = assert(io.open(path))
        local text = lines:read("*a")
        lines:close()
        return text:find('"GET / HTTP/1.1" 200 5', 1, true)
      end)
    end)
    os.remove(path)
  end)

  it("refuses options that cannot be", function()
    assert_blamed({
      function()
        middleware.access_log(1)
      end,
      function()
        middleware.access_log({ format = "xml" })
      end,
      function()
        middleware.access_log({ log = "access.log" })
      end,
      function()
        middleware.access_log({ skip = 1 })
      end,
      function()
        middleware.access_log({ level = 1 })
      end,
    })
  end)
end)
