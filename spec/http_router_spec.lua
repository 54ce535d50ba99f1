--- Routers: which handler a request gets, what it passes on its way, and what is answered when
--- there is none.
local chuck = require("chuck")
local http = require("spec.helper.http")
local tasks = require("spec.helper.tasks")

local router = chuck.http.router

local function nothing() end

--- A handler that answers with its name and the parameters.
local function named(name)
  return function(req)
    local list = {}
    for key, value in pairs(req.params) do
      list[#list + 1] = key .. "=" .. value
    end
    table.sort(list)
    return name .. "(" .. table.concat(list, ",") .. ")"
  end
end

--- A layer that notes its name on the way in and out.
local function noting(log, name)
  return function(_, _, next)
    log[#log + 1] = "+" .. name
    next()
    log[#log + 1] = "-" .. name
  end
end

--- The line of this file that an error blames, and what it says.
local function blamed(fn)
  local fine, why = pcall(fn)
  assert.is_false(fine)
  local line, words = why:match("http_router_spec%.lua:(%d+): (.*)$")
  assert(line, why)
  return words
end

describe("a router", function()
  it("finds the route of a path, with its parameters", function()
    local app = router()
    app:Get("/", nothing):Get("/users", nothing):Get("/users/:id", nothing)
    app:Get("/users/:id/posts/:post", nothing):Get("/files/*path", nothing)
    for path, expected in pairs({
      ["/"] = { "/", {} },
      ["/users"] = { "/users", {} },
      ["/users/7"] = { "/users/:id", { id = "7" } },
      ["/users/7/posts/9"] = { "/users/:id/posts/:post", { id = "7", post = "9" } },
      ["/files/"] = { "/files/*path", { path = "" } },
      ["/files/a/b.txt"] = { "/files/*path", { path = "a/b.txt" } },
      ["/files//a/"] = { "/files/*path", { path = "/a/" } },
    }) do
      local pattern, params = app:Match("GET", path)
      assert.are.same(expected, { pattern, params }, path)
    end
    for _, path in ipairs({
      "",
      "users",
      "*",
      "/users/",
      "//users",
      "/users/7/",
      "/files",
      "/USERS",
    }) do
      assert.is_nil(app:Match("GET", path), path)
    end
  end)

  it("prefers text to parameters, and these to wildcards, whatever came first", function()
    local app = router()
    app:Get("/a/*rest", nothing):Get("/a/:x", nothing):Get("/a/b", nothing)
    app:Get("/a/b/c", nothing):Get("/a/:x/d", nothing)
    assert.are.equal("/a/b", (app:Match("GET", "/a/b")))
    assert.are.equal("/a/:x", (app:Match("GET", "/a/c")))
    assert.are.equal("/a/b/c", (app:Match("GET", "/a/b/c")))
    assert.are.equal("/a/:x/d", (app:Match("GET", "/a/b/d")))
    assert.are.equal("/a/*rest", (app:Match("GET", "/a/b/e")))
  end)

  it("looks for a method in less special routes too", function()
    local app = router()
    app:Get("/users/me", nothing):Delete("/users/:id", nothing):Any("/users/*all", nothing)
    assert.are.equal("/users/:id", (app:Match("DELETE", "/users/me")))
    assert.are.equal("/users/*all", (app:Match("PUT", "/users/me")))
  end)

  it("has each route name its parameters", function()
    local app = router()
    app:Get("/:id", nothing):Put("/:name", nothing):Get("/:user/posts", nothing)
    assert.are.same({ id = "x" }, select(2, app:Match("GET", "/x")))
    assert.are.same({ name = "x" }, select(2, app:Match("PUT", "/x")))
    assert.are.same({ user = "x" }, select(2, app:Match("GET", "/x/posts")))
  end)

  it("takes paths apart before it decodes them", function()
    local app = router()
    app:Get("/users/:id", nothing):Get("/f/*path", nothing):Get("/caf%C3%A9/100%25", nothing)
    assert.are.same({ id = "a/b" }, select(2, app:Match("GET", "/users/a%2Fb")))
    assert.are.same({ id = "a b+c" }, select(2, app:Match("GET", "/users/a%20b+c")))
    assert.are.equal("/users/:id", (app:Match("GET", "/us%65rs/1")))
    assert.are.same({ path = "x y/a%2Fb" }, select(2, app:Match("GET", "/f/x%20y/a%2fb")))
    assert.are.equal("/caf%C3%A9/100%25", (app:Match("GET", "/caf%c3%a9/100%25")))
    assert.is_nil(app:Match("GET", "/users%2F1"))
    assert.is_nil(app:Match("GET", "/users/%zz"))
  end)

  it("has no route for segments that lead elsewhere, encoded or not", function()
    local app = router()
    app:Get("/public/*path", nothing):Get("/:a/:b", nothing):Get("/secret", nothing)
    for _, dots in ipairs({ "..", ".", "%2e%2e", "%2E.", ".%2e", "%2e" }) do
      assert.is_nil(app:Match("GET", "/public/" .. dots .. "/secret"), dots)
      assert.is_nil(app:Match("GET", "/public/" .. dots), dots)
      assert.is_nil(app:Match("GET", "/public/a/" .. dots), dots)
      assert.is_nil(app:Match("GET", "/" .. dots .. "/secret"), dots)
    end
    assert.are.same({ path = "..%2Fsecret" }, select(2, app:Match("GET", "/public/..%2fsecret")))
    assert.are.same({ path = "a../..b" }, select(2, app:Match("GET", "/public/a../..b")))
  end)

  it("tells the methods of a path that has not this one", function()
    local app = router()
    app:Get("/a/:id", nothing):Post("/a/b", nothing)
    assert.are.same({ nil, "GET, HEAD, OPTIONS, POST" }, { app:Match("PUT", "/a/b") })
    assert.are.same({ nil, "GET, HEAD, OPTIONS" }, { app:Match("PUT", "/a/c") })
    assert.are.equal("/a/:id", (app:Match("HEAD", "/a/b")))
  end)

  it("refuses a route that is there already, and stays as it was", function()
    local app = router()
    app:Get("/users/:id", nothing):Get("/f/*a", nothing):Any("/x", nothing)
    local words = "bad argument to '%s' (%s is taken already, by %s)"
    assert.are.equal(
      words:format("Get", "GET /users/:name", "/users/:id"),
      blamed(function()
        app:Get("/users/:name", nothing)
      end)
    )
    assert.are.equal(
      words:format("Get", "GET /f/*b", "/f/*a"),
      blamed(function()
        app:Get("/f/*b", nothing)
      end)
    )
    assert.matches(
      "any method of /x is taken",
      blamed(function()
        app:Any("/x", nothing)
      end)
    )
    app:Get("/x", nothing):Head("/users/:id", nothing)
    assert.are.equal(5, #app:Routes())
  end)

  it("refuses patterns that cannot be", function()
    local app = router()
    local deep = ("/a"):rep(65)
    for pattern, why in pairs({
      ["users"] = "does not begin with a slash",
      ["/a//b"] = "an empty segment",
      ["/a/:"] = "no name of a parameter",
      ["/a/:b-c"] = "no name of a parameter",
      ["/a/*"] = "no name of a parameter",
      ["/:a/:a"] = "two parameters",
      ["/*a/b"] = "nothing may follow",
      ["/a/../b"] = "no segment of a path",
      ["/a/%2e%2E"] = "no segment of a path",
      ["/a%zz"] = "no segment of a path",
      ["/a%2fb"] = "an encoded slash",
      ["/a?b"] = "characters that no path has",
      ["/a b"] = "characters that no path has",
      [deep] = "more than 64 segments",
    }) do
      local words = blamed(function()
        app:Get(pattern, nothing)
      end)
      assert(words:find(why, 1, true), words)
    end
    assert.are.equal(0, #app:Routes())
  end)

  it("blames the caller's line for a wrong argument", function()
    local app = router()
    local group = app:Group("/g")
    local calls = {
      function()
        app:Get("/a")
      end,
      function()
        app:Get("/a", nil, nothing)
      end,
      function()
        app:Get("/a", nothing, "x")
      end,
      function()
        app:Get(7, nothing)
      end,
      function()
        app:Get("", nothing)
      end,
      function()
        app.Get("/a", nothing)
      end,
      function()
        app:Handle("BAD METHOD", "/a", nothing)
      end,
      function()
        app:Handle("*", "/a", nothing)
      end,
      function()
        app:Handle(nil, "/a", nothing)
      end,
      function()
        app:Use()
      end,
      function()
        app:Use(nothing, 1)
      end,
      function()
        app:Group("a")
      end,
      function()
        app:Group("/a/")
      end,
      function()
        app:Group("/*a")
      end,
      function()
        app:Group("/a", 1)
      end,
      function()
        app:Mount("/a", 1)
      end,
      function()
        app:Mount("/a", group)
      end,
      function()
        app:Mount("/a", app)
      end,
      function()
        app:NotFound()
      end,
      function()
        app:Match("GET")
      end,
      function()
        app:Url("/:a", 1)
      end,
      function()
        app:Url("/:a")
      end,
      function()
        router({ slash = true })
      end,
      function()
        router({ trailing_slash = "maybe" })
      end,
      function()
        router({ method_not_allowed = 1 })
      end,
    }
    for i, call in ipairs(calls) do
      assert.is_string(blamed(call), i)
    end
    assert.are.equal(0, #app:Routes())
  end)

  it("prints its routes as a table", function()
    local app = router()
    app:Use(nothing)
    app:Post("/users", nothing, nothing):Get("/users", nothing)
    local group = app:Group("/api"):Any("/x", nothing)
    app:Group("/apis"):Delete("/", nothing)
    local expected = {
      "ANY     /api/x  (1 layers)",
      "DELETE  /apis  (1 layers)",
      "GET     /users  (1 layers)",
      "POST    /users  (2 layers)",
    }
    assert.are.equal(table.concat(expected, "\n"), tostring(app))
    local first = app:Routes()[1]
    assert.are.same({ "ANY", "/api/x", 1 }, { first.method, first.pattern, first.layers })
    assert.are.equal(expected[1], tostring(group))
  end)

  it("writes the path of a pattern", function()
    local app = router()
    local group = app:Group("/v1")
    assert.are.equal("/", app:Url("/"))
    assert.are.equal("/users/a%2Fb%20c", app:Url("/users/:id", { id = "a/b c" }))
    assert.are.equal("/v1/f/a%3F/b", group:Url("/f/*path", { path = "a?/b" }))
    assert.are.equal("/v1/7?a=1&q=x+y", group:Url("/:id", { id = 7, q = "x y", a = 1 }))
    for value, why in pairs({ [""] = "no value", [".."] = "no path has" }) do
      assert(blamed(function()
        app:Url("/:id", { id = value })
      end):find(why, 1, true))
    end
    for _, id in ipairs({ "x", "a/b", "100%", "ü", "a.b", ":x", "*" }) do
      app = router():Get("/users/:id", nothing)
      local _, params = app:Match("GET", app:Url("/users/:id", { id = id }))
      assert.are.equal(id, params.id)
    end
  end)

  it("finds among many routes what a list of patterns would", function()
    math.randomseed(tonumber(os.getenv("CHUCK_SEED") or 7))
    local words = { "a", "b", ":x", ":y", "*z" }
    local function segments(most)
      local list = {}
      for i = 1, math.random(most) do
        list[i] = words[math.random(#words)]
        if list[i] == "*z" then
          break
        end
      end
      return list
    end
    --- How special a pattern is for a path, segment by segment; nil when it does not match.
    local function rank(pattern, path)
      local key = {}
      local rest = path
      for segment in pattern:gmatch("[^/]+") do
        local first, others = rest:match("^/([^/]*)(.*)$")
        if not first then
          return nil
        elseif segment:sub(1, 1) == "*" then
          return table.concat(key) .. "3"
        elseif segment:sub(1, 1) == ":" then
          key[#key + 1] = "2"
        elseif segment == first then
          key[#key + 1] = "1"
        else
          return nil
        end
        rest = others
      end
      return rest == "" and table.concat(key) or nil
    end
    for _ = 1, 60 do
      local app, patterns = router(), {}
      for _ = 1, 12 do
        local pattern = "/" .. table.concat(segments(4), "/")
        if pcall(app.Get, app, pattern, nothing) then
          patterns[#patterns + 1] = pattern
        end
      end
      for _ = 1, 40 do
        local parts = {}
        for i = 1, math.random(5) do
          parts[i] = ({ "a", "b", "c" })[math.random(3)]
        end
        local path = "/" .. table.concat(parts, "/")
        local best, least
        for _, pattern in ipairs(patterns) do
          local key = rank(pattern, path)
          if key and (not least or key < least) then
            best, least = pattern, key
          end
        end
        assert.are.equal(best, (app:Match("GET", path)), path .. " in\n" .. tostring(app))
      end
    end
  end)

  it("answers long paths of nothing quickly", function()
    local app = router()
    for depth = 1, 20 do
      app:Get(("/a"):rep(depth) .. "/end", nothing)
      app:Get(("/:x%d"):rep(depth):gsub(
        "%%d",
        (function()
          local n = 0
          return function()
            n = n + 1
            return tostring(n)
          end
        end)()
      ) .. "/stop", nothing)
    end
    local began = chuck.systick()
    for _ = 1, 100 do
      assert.is_nil(app:Match("GET", ("/a"):rep(8000)))
    end
    assert(chuck.systick() - began < 5000)
  end)
end)

describe("a mounted router", function()
  it("adds its routes below the prefix, also those that come later", function()
    local users, app = router(), router()
    users:Get("/", nothing):Get("/:id", nothing)
    app:Mount("/users", users)
    users:Post("/:id/posts", nothing)
    assert.are.equal("/users", (app:Match("GET", "/users")))
    assert.are.equal("/users/:id", (app:Match("GET", "/users/7")))
    assert.are.equal("/users/:id/posts", (app:Match("POST", "/users/7/posts")))
    assert.are.equal("/:id", (users:Match("GET", "/7")))
  end)

  it("may be mounted in several, and these in others, but not in itself", function()
    local inner, middle, outer = router(), router(), router()
    middle:Mount("/a/:a", inner):Mount("/b", inner)
    outer:Mount("/m", middle)
    inner:Get("/x", nothing)
    assert.are.same({ a = "1" }, select(2, outer:Match("GET", "/m/a/1/x")))
    assert.are.equal("/m/b/x", (outer:Match("GET", "/m/b/x")))
    assert.matches(
      "in itself",
      blamed(function()
        inner:Mount("/o", outer)
      end)
    )
    assert.matches(
      'two parameters "a"',
      blamed(function()
        inner:Get("/:a", nothing)
      end)
    )
    assert.is_nil(inner:Match("GET", "/1"))
  end)

  it("that would take a route leaves everything as it was", function()
    local app, other = router():Get("/x/b", nothing), router()
    other:Get("/a", nothing):Get("/b", nothing)
    assert.matches(
      "taken already",
      blamed(function()
        app:Mount("/x", other)
      end)
    )
    assert.is_nil(app:Match("GET", "/x/a"))
    other:Get("/c", nothing)
    assert.is_nil(app:Match("GET", "/x/c"))
  end)
end)

describe("a router that serves", function()
  --- Asks for a path: status, body, fields.
  local function ask(app, method, path, ...)
    local server = http.serve(app)
    local text =
      http.text(method .. " " .. path .. " HTTP/1.1", "Host: a", "Connection: close", ...)
    local answer = http.ask(server, text, method == "HEAD")
    server:Close()
    return answer.status, answer.body, answer.fields
  end

  local function claim(status, body, ...)
    local got, words = ask(...)
    assert.are.same({ status, body }, { got, words })
  end

  it(
    "runs the handler with its parameters",
    tasks.spec(function()
      local app = router():Get("/users/:id", named("user")):Mount("/fn", named("mounted"))
      claim(200, "user(id=a/b)", app, "GET", "/users/a%2Fb?x=1")
    end)
  )

  it(
    "answers HEAD as GET, without a body",
    tasks.spec(function()
      local app = router():Get("/a", named("a"))
      local status, body, fields = ask(app, "HEAD", "/a")
      assert.are.same({ 200, "", "3" }, { status, body, fields["content-length"] })
    end)
  )

  it(
    "answers OPTIONS with the methods of the path",
    tasks.spec(function()
      local app = router():Get("/a", nothing):Post("/:x", nothing)
      local status, _, fields = ask(app, "OPTIONS", "/a")
      assert.are.same({ 204, "GET, HEAD, OPTIONS, POST" }, { status, fields.allow })
      status, _, fields = ask(app, "OPTIONS", "*")
      assert.are.same({ 204, "GET, HEAD, OPTIONS, POST" }, { status, fields.allow })
      app:Options("/a", function(_, res)
        res:Status(200):Text("own")
      end)
      claim(200, "own", app, "OPTIONS", "/a")
    end)
  )

  it(
    "answers a method that a path has not with 405 and those that it has",
    tasks.spec(function()
      local app = router():Get("/a", nothing)
      local status, body, fields = ask(app, "PUT", "/a")
      assert.are.same({ 405, "405 Method Not Allowed\n" }, { status, body })
      assert.are.equal("GET, HEAD, OPTIONS", fields.allow)
      app = router({
        method_not_allowed = function(_, res)
          res:Text("not so")
        end,
      })
      app:Get("/a", nothing)
      status, body, fields = ask(app, "PUT", "/a")
      assert.are.same({ 405, "not so", "GET, HEAD, OPTIONS" }, { status, body, fields.allow })
    end)
  )

  it(
    "answers with 404 what it does not know, or has the nearest NotFound do it",
    tasks.spec(function()
      local app = router():Get("/a", nothing)
      claim(404, "404 Not Found\n", app, "GET", "/b")
      app:NotFound(named("top"))
      app:Group("/api/:v"):NotFound(named("api"))
      local other = router():NotFound(function(_, res)
        res:Status(410):Text("gone")
      end)
      app:Mount("/old", other)
      claim(404, "top()", app, "GET", "/b")
      claim(404, "api()", app, "GET", "/api/1/x/y")
      claim(404, "api()", app, "GET", "/api/1")
      claim(410, "gone", app, "POST", "/old/x")
      claim(404, "top()", app, "GET", "/x/../a")
      assert.matches(
        "taken already",
        blamed(function()
          app:NotFound(nothing)
        end)
      )
    end)
  )

  it(
    "sends a path on to its twin with a slash, or without",
    tasks.spec(function()
      local app = router():Get("/a", named("a")):Post("/b/", named("b"))
      local status, _, fields = ask(app, "GET", "/a/?x=1&y=%20")
      assert.are.same({ 301, "/a?x=1&y=%20" }, { status, fields.location })
      status, _, fields = ask(app, "POST", "/b", "Content-Length: 0")
      assert.are.same({ 308, "/b/" }, { status, fields.location })
      assert.are.equal(
        404,
        (ask(router({ trailing_slash = "strict" }):Get("/a", nothing), "GET", "/a/"))
      )
      app = router({ trailing_slash = "ignore" }):Get("/a", named("a"))
      claim(200, "a()", app, "GET", "/a/")
      assert.are.equal(405, (ask(app, "PUT", "/a/")))
    end)
  )

  it(
    "sends nobody to another server",
    tasks.spec(function()
      local app = router():Get("/:name", nothing):Get("/:a/:b", nothing):Get("/x/*rest", nothing)
      for _, path in ipairs({ "//evil.example/", "/%5Cevil.example/", "///evil.example/" }) do
        local status, _, fields = ask(app, "GET", path)
        local location = fields.location
        assert(status == 404 or location and not location:find("^/[/\\]"), path)
      end
      local target = require("chuck.http.router.answers").moved("/\\evil.example")
      local seen
      target({ method = "GET", raw_query = "" }, {
        Redirect = function(_, location)
          seen = location
        end,
      })
      assert.are.equal("/%5Cevil.example", seen)
    end)
  )

  it(
    "serves a handler that is no router below a prefix",
    tasks.spec(function()
      local app = router():Mount("/f", named("f"))
      claim(200, "f(path=a/b)", app, "GET", "/f/a/b")
      claim(200, "f()", app, "DELETE", "/f")
      claim(200, "f(path=x)", router():Mount("/", named("f")), "GET", "/x")
    end)
  )

  it(
    "runs layers from the outermost in, whenever they were added",
    tasks.spec(function()
      local log = {}
      local app, inner = router(), router()
      local group = app:Group("/g")
      group:Get("/x", noting(log, "own"), named("x"))
      group:Mount("/m", inner)
      inner:Get("/y", named("y"))
      app:Use(noting(log, "app"))
      group:Use(noting(log, "group"))
      inner:Use(noting(log, "inner"))
      claim(200, "x()", app, "GET", "/g/x")
      assert.are.equal("+app +group +own -own -group -app", table.concat(log, " "))
      while #log > 0 do
        log[#log] = nil
      end
      claim(200, "y()", app, "GET", "/g/m/y")
      assert.are.equal("+app +group +inner -inner -group -app", table.concat(log, " "))
      while #log > 0 do
        log[#log] = nil
      end
      assert.are.equal(404, (ask(app, "GET", "/nowhere")))
      assert.are.equal(405, (ask(app, "PUT", "/g/x")))
      assert.are.equal("+app -app +app +group -group -app", table.concat(log, " "))
    end)
  )

  it(
    "guards all that is below a group, also what is not there",
    tasks.spec(function()
      local app, inner = router():Get("/open", named("open")), router()
      local function guard(_, res)
        res:Status(401):Text("who are you?")
      end
      app:Group("/admin/:part"):Use(guard):Get("/x", nothing)
      app:Mount("/m", inner)
      inner:Use(guard):Get("/y/", nothing)
      local guarded = { "/admin/1/x", "/admin/1/none", "/admin/1", "/m/none", "/m/y", "/m" }
      for _, path in ipairs(guarded) do
        claim(401, "who are you?", app, "GET", path)
        claim(401, "who are you?", app, "PUT", path)
        claim(401, "who are you?", app, "OPTIONS", path)
      end
      claim(404, "404 Not Found\n", app, "GET", "/admin")
      claim(404, "404 Not Found\n", app, "GET", "/mm")
      app:NotFound(named("top"))
      claim(401, "who are you?", app, "GET", "/m/none")
      claim(404, "top()", app, "GET", "/mm")
    end)
  )

  it(
    "lets a layer answer instead, and change what comes behind it",
    tasks.spec(function()
      local app = router()
      app:Use(function(req, res, next)
        if req.query.stop then
          return res:Status(403):Text("stopped")
        end
        req.context.seen = req.route
        res:Set("X-Layer", "yes")
        return next()
      end)
      app:Get("/a/:b", function(req)
        return "saw " .. req.context.seen
      end)
      claim(403, "stopped", app, "GET", "/a/1?stop=1")
      local status, body, fields = ask(app, "GET", "/a/1")
      assert.are.same({ 200, "saw /a/:b", "yes" }, { status, body, fields["x-layer"] })
    end)
  )

  it(
    "lets no layer go on twice",
    tasks.spec(function()
      local app, told = router(), nil
      app:Use(function(_, _, next)
        next()
        told = select(
          2,
          pcall(function()
            next()
          end)
        )
      end)
      local count = 0
      app:Get("/", function()
        count = count + 1
        return "once"
      end)
      claim(200, "once", app, "GET", "/")
      assert.are.equal(1, count)
      assert.matches("http_router_spec.lua:%d+: 'next' was called before", told)
    end)
  )

  it(
    "has layers and handlers wait, on every Lua",
    tasks.spec(function()
      local app = router()
      app:Use(function(_, _, next)
        chuck.co.sleep(1)
        next()
      end)
      app:Get("/", function(_, res)
        chuck.co.sleep(1)
        res:Write("a")
        chuck.co.sleep(1)
        res:End("b")
      end)
      claim(200, "ab", app, "GET", "/")
    end)
  )

  it(
    "answers errors with their status, also through layers",
    tasks.spec(function()
      local app = router()
      app:Use(function(_, res, next)
        res:Set("X-Layer", "yes")
        next()
      end)
      app:Get("/no", function()
        error(chuck.http.error(409, "no such luck", { ["X-Why"] = "because" }))
      end)
      app:Get("/bug", function()
        error("a bug")
      end)
      local status, body, fields = ask(app, "GET", "/no")
      assert.are.same({ 409, "no such luck\n" }, { status, body })
      assert.are.same({ "yes", "because" }, { fields["x-layer"], fields["x-why"] })
      status, body, fields = ask(app, "GET", "/bug")
      assert.are.equal(500, status)
      assert.matches(fields["x-request-id"], body, 1, true)
      assert.is_string(fields["x-request-id"])
    end)
  )

  it(
    "is collected with all that it knows",
    tasks.spec(function()
      local weak = setmetatable({}, { __mode = "v" })
      do
        local app, other = router(), router()
        weak.handler = function()
          return app, other
        end
        app:Mount("/x", other)
        other:Get("/", weak.handler)
        weak.app = app
      end
      for _ = 1, 4 do
        collectgarbage()
      end
      assert.is_nil(weak.app)
      assert.is_nil(weak.handler)
    end)
  )
end)
