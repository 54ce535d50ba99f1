--- Who a client is, and how much it may do: authentication, sessions, limits of rates.
local chuck = require("chuck")
local http = require("spec.helper.http")
local layers = require("spec.helper.layers")
local native = require("chuck.native")
local tasks = require("spec.helper.tasks")

local middleware, router = chuck.http.middleware, chuck.http.router
local json, web = native.json, native.web
local app_of, ask, assert_blamed, get, hello =
  layers.app, layers.ask, layers.assert_blamed, layers.get, layers.hello

describe("buckets", function()
  local buckets = require("chuck.http.buckets")

  local function take(all, key, now)
    local is_fine, left, wait_ms = all:Take(key, now)
    return { is_fine, left, math.floor(wait_ms + 0.5) }
  end

  it("give so many tokens, and each back in its time", function()
    local all = buckets.new(3, 3000, 100)
    assert.are.same({ true, 2, 1000 }, take(all, "a", 5000))
    assert.are.same({ true, 1, 2000 }, take(all, "a", 5000))
    assert.are.same({ true, 0, 3000 }, take(all, "a", 5000))
    assert.are.same({ false, 0, 1000 }, take(all, "a", 5000))
    assert.are.same({ true, 2, 1000 }, take(all, "b", 5000))
    assert.are.same({ false, 0, 1 }, take(all, "a", 5999))
    assert.are.same({ true, 0, 3000 }, take(all, "a", 6000))
    assert.are.same({ true, 2, 1000 }, take(all, "a", 60000))
  end)

  it("let nobody gain by waiting for a change of generations", function()
    local all, granted = buckets.new(10, 1000, 4), 0
    for now = 0, 100000, 7 do
      granted = granted + (all:Take("a", now) and 1 or 0)
    end
    assert(granted <= 10 + 1000, granted)
    assert(granted >= 1000, granted)
  end)

  it("remember no more keys than they may", function()
    local all = buckets.new(1, 1e9, 1000)
    for i = 1, 100000 do
      all:Take("key " .. i, 0)
      if i % 100 == 0 then
        all:Take("often", 0)
      end
    end
    local kept = 0
    for _, list in ipairs({ all.tokens, all.old_tokens }) do
      for _ in pairs(list) do
        kept = kept + 1
      end
    end
    assert(kept <= 1000, kept)
    assert.is_false((all:Take("often", 0)))
  end)

  it("bear a clock that goes back", function()
    local all = buckets.new(2, 1000, 10)
    all:Take("a", 1000)
    assert.is_true((all:Take("a", 0)))
    assert.is_false((all:Take("a", 0)))
  end)
end)

describe("rate_limit", function()
  it(
    "answers 429 with the time to wait",
    tasks.spec(function()
      local layer = middleware.rate_limit({ limit = 3, window_ms = 3600000 })
      local server = http.serve(app_of(layer, hello))
      for left = 2, 0, -1 do
        local answer = get(server)
        assert.are.same({ 200, "3", tostring(left) }, {
          answer.status,
          answer.fields["ratelimit-limit"],
          answer.fields["ratelimit-remaining"],
        })
        assert.are.equal("3;w=3600", answer.fields["ratelimit-policy"])
      end
      local answer = get(server)
      assert.are.equal(429, answer.status)
      local wait = tonumber(answer.fields["retry-after"])
      assert(wait > 1000 and wait <= 1200, wait)
      assert.is_nil(get(server).fields["content-encoding"])
    end)
  )

  it(
    "counts by a key, and lets go who has none",
    tasks.spec(function()
      local layer = middleware.rate_limit({
        limit = 1,
        key = function(req)
          return req:Header("X-Key")
        end,
      })
      local server = http.serve(app_of(layer, hello))
      assert.are.equal(200, get(server, "X-Key: a").status)
      assert.are.equal(429, get(server, "X-Key: a").status)
      assert.are.equal(200, get(server, "X-Key: b").status)
      assert.are.equal(200, get(server).status)
      assert.are.equal(200, get(server).status)
      assert_blamed({
        function()
          middleware.rate_limit()
        end,
        function()
          middleware.rate_limit({})
        end,
        function()
          middleware.rate_limit({ limit = 0 })
        end,
        function()
          middleware.rate_limit({ limit = 1, window_ms = 0 })
        end,
        function()
          middleware.rate_limit({ limit = 1, rate = 1 })
        end,
      })
    end)
  )

  it("takes a network of IPv6 for one client", function()
    local function client(ip)
      local seen = 200
      local res = {}
      function res:Set()
        return self
      end
      function res:Status(status)
        seen = status
        return self
      end
      function res.Text() end
      return { ip = ip }, res, function() end, function()
        return seen
      end
    end
    local layer = middleware.rate_limit({ limit = 1 })
    local function status_of(ip)
      local req, res, next, seen = client(ip)
      layer(req, res, next)
      return seen()
    end
    assert.are.equal(200, status_of("[2001:db8::1]"))
    assert.are.equal(429, status_of("[2001:db8::2]"))
    assert.are.equal(429, status_of("2001:db8:0:0:1::"))
    assert.are.equal(200, status_of("2001:db8:0:1::"))
    assert.are.equal(200, status_of("1.2.3.4"))
    assert.are.equal(429, status_of("[::ffff:1.2.3.4]"))
    assert.are.equal(200, status_of("[fe80::1%eth0]"))
    assert.are.equal(429, status_of("[fe80::2%eth1]"))
    assert.are.equal(200, status_of("[::1]"))
  end)
end)

describe("basic_auth", function()
  local function authorization(name, password)
    return "Authorization: Basic " .. web.base64(name .. ":" .. password)
  end

  it(
    "lets in who knows a password",
    tasks.spec(function()
      local layer =
        middleware.basic_auth({ users = { ann = "s3:cret", ["üml"] = "" }, realm = 'a"b' })
      local server = http.serve(app_of(layer, function(req)
        return req.context.user
      end))
      assert.are.equal("ann", get(server, authorization("ann", "s3:cret")).body)
      assert.are.equal("üml", get(server, authorization("üml", "")).body)
      local coded = web.base64("ann:s3:cret")
      assert.are.equal("ann", get(server, "authorization: bAsIc   " .. coded).body)
      for _, line in ipairs({
        "X-Nothing: 1",
        authorization("ann", "s3:cre"),
        authorization("ann", "s3:cret "),
        authorization("ann", ""),
        authorization("bob", "s3:cret"),
        authorization("", ""),
        "Authorization: Basic",
        "Authorization: Basic !!!",
        "Authorization: Basic " .. web.base64("ann"),
        "Authorization: Basic " .. web.base64("ann:s3:cret\0"),
        "Authorization: Basic " .. coded .. ", Basic " .. coded,
        "Authorization: Bearer " .. coded,
        authorization("ann", ("x"):rep(8000)),
      }) do
        local answer = get(server, line)
        assert.are.same({ 401, "401 Unauthorized\n" }, { answer.status, answer.body }, line)
        local challenge = 'Basic realm="a\\"b", charset="UTF-8"'
        assert.are.equal(challenge, answer.fields["www-authenticate"])
      end
    end)
  )

  it(
    "asks a function, which may wait",
    tasks.spec(function()
      local layer = middleware.basic_auth({
        check = function(name, password, req)
          chuck.co.sleep(1)
          return name == password and req.path == "/"
        end,
      })
      local server = http.serve(app_of(layer, hello))
      assert.are.equal(200, get(server, authorization("a", "a")).status)
      assert.are.equal(401, get(server, authorization("a", "b")).status)
      assert_blamed({
        function()
          middleware.basic_auth()
        end,
        function()
          middleware.basic_auth({})
        end,
        function()
          middleware.basic_auth({ users = {}, check = hello })
        end,
        function()
          middleware.basic_auth({ users = { ["a:b"] = "c" } })
        end,
        function()
          middleware.basic_auth({ users = { a = 1 } })
        end,
        function()
          middleware.basic_auth({ users = {}, realm = "a\nb" })
        end,
        function()
          middleware.basic_auth({ user = {} })
        end,
      })
    end)
  )
end)

describe("bearer_auth", function()
  it(
    "lets in who has a token",
    tasks.spec(function()
      local layer = middleware.bearer_auth({ tokens = { ["abc.d-e_f~g+h/i=="] = "ann", "plain" } })
      local server = http.serve(app_of(layer, function(req)
        return tostring(req.context.user)
      end))
      assert.are.equal("ann", get(server, "Authorization: Bearer abc.d-e_f~g+h/i==").body)
      assert.are.equal("true", get(server, "Authorization: bearer  plain").body)
      for line, expected in pairs({
        ["X-Nothing: 1"] = { 401, "" },
        ["Authorization: Basic plain"] = { 401, "" },
        ["Authorization: Bearer plai"] = { 401, ', error="invalid_token"' },
        ["Authorization: Bearer PLAIN"] = { 401, ', error="invalid_token"' },
        ["Authorization: Bearer a b"] = { 400, ', error="invalid_request"' },
        ["Authorization: Bearer \255"] = { 400, ', error="invalid_request"' },
        ["Authorization: Bearer " .. ("x"):rep(8193)] = { 400, ', error="invalid_request"' },
      }) do
        local answer = get(server, line)
        assert.are.equal(expected[1], answer.status, line)
        local challenge = 'Bearer realm="restricted"' .. expected[2]
        assert.are.equal(challenge, answer.fields["www-authenticate"])
      end
    end)
  )

  it(
    "asks a function, which may name what is wrong",
    tasks.spec(function()
      local layer = middleware.bearer_auth({
        check = function(token)
          if token == "weak" then
            return nil, "insufficient_scope"
          end
          return token == "good" and { name = "ann" } or nil, 'x"\r\n'
        end,
        realm = "api",
      })
      local server = http.serve(app_of(layer, function(req)
        return req.context.user.name
      end))
      assert.are.equal("ann", get(server, "Authorization: Bearer good").body)
      local answer = get(server, "Authorization: Bearer weak")
      assert.are.equal(403, answer.status)
      local challenge = 'Bearer realm="api", error="insufficient_scope"'
      assert.are.equal(challenge, answer.fields["www-authenticate"])
      assert.are.equal(401, get(server, "Authorization: Bearer bad").status)
      assert_blamed({
        function()
          middleware.bearer_auth()
        end,
        function()
          middleware.bearer_auth({})
        end,
        function()
          middleware.bearer_auth({ tokens = { "a b" } })
        end,
        function()
          middleware.bearer_auth({ tokens = { 7 } })
        end,
        function()
          middleware.bearer_auth({ tokens = {}, check = hello })
        end,
      })
    end)
  )
end)

describe("session", function()
  local OLD, NEW = ("o"):rep(32), ("n"):rep(32)

  --- A server that shows and changes its session, and a client that keeps the cookie.
  local function serve(options)
    options = options or {}
    options.keys = options.keys or { NEW }
    local app = router():Use(middleware.session(options))
    app:Get("/set", function(req, res)
      for name, value in pairs(req.query) do
        req.session.data[name] = value
      end
      res:Text(req.session.id)
    end)
    app:Get("/get", function(req, res)
      res:Json({ data = req.session.data, is_new = req.session.is_new, id = req.session.id })
    end)
    app:Get("/again", function(req)
      req.session:Regenerate()
      return req.session.id
    end)
    app:Get("/end", function(req)
      req.session:Destroy()
    end)
    return http.serve(app)
  end

  local function cookie_of(answer)
    local field = answer.fields["set-cookie"]
    return field and field:match("^([^;]*)"), field
  end

  local function get_with(server, path, cookie)
    return ask(server, "GET", path, cookie and "Cookie: " .. cookie or "X-None: 1")
  end

  it(
    "remembers what handlers keep, in a cookie with safe attributes",
    tasks.spec(function()
      local server = serve()
      local answer = get_with(server, "/set?name=ann")
      local cookie, field = cookie_of(answer)
      local attributes = {}
      for word in field:gmatch("; ([^;]+)") do
        attributes[#attributes + 1] = word:lower()
      end
      table.sort(attributes)
      assert.are.same(
        { "httponly", "max-age=604800", "path=/", "samesite=lax", "secure" },
        attributes
      )
      assert.are.equal("private", answer.fields["cache-control"])
      assert.are.equal("Cookie", answer.fields.vary)
      local again = get_with(server, "/get", cookie)
      local seen = json.decode(again.body)
      assert.are.same({ { name = "ann" }, false, answer.body }, { seen.data, seen.is_new, seen.id })
      assert.is_nil(again.fields["set-cookie"])
      assert.is_nil(get_with(server, "/get").fields["set-cookie"])
    end)
  )

  it(
    "takes nothing that was changed, and takes it back",
    tasks.spec(function()
      local server = serve()
      local cookie = cookie_of(get_with(server, "/set?name=ann"))
      local name, coded, signature = cookie:match("^(%w+)=(.*)%.(.*)$")
      local forged = web.base64(json.encode({ d = { admin = true }, i = "x", b = 0, u = 0 }), "url")
      for _, bad in ipairs({
        forged .. "." .. signature,
        coded .. ".",
        coded,
        "." .. signature,
        coded .. "." .. signature .. "A",
        coded:sub(1, -2) .. "." .. signature,
        coded .. "." .. web.base64(web.hmac_sha256("", coded), "url"),
        ("A"):rep(60000),
        "",
      }) do
        local answer = get_with(server, "/get", name .. "=" .. bad)
        assert.are.equal(200, answer.status)
        local seen = json.decode(answer.body)
        assert.are.same({ {}, true }, { seen.data, seen.is_new })
        assert.matches("^session=; .*Max%-Age=0", (select(2, cookie_of(answer))))
      end
      local other = serve({ name = "other" })
      local seen = json.decode(get_with(other, "/get", "other=" .. coded .. "." .. signature).body)
      assert.is_true(seen.is_new)
    end)
  )

  it(
    "takes what an old key has signed, and signs it anew",
    tasks.spec(function()
      local cookie = cookie_of(get_with(serve({ keys = OLD }), "/set?name=ann"))
      local answer = get_with(serve({ keys = { NEW, OLD } }), "/get", cookie)
      assert.are.equal("ann", json.decode(answer.body).data.name)
      local renewed = cookie_of(answer)
      assert.are.equal("ann", json.decode(get_with(serve(), "/get", renewed).body).data.name)
      assert.is_nil(json.decode(get_with(serve(), "/get", cookie).body).data.name)
    end)
  )

  it(
    "gives a new id at a login, and ends at a logout",
    tasks.spec(function()
      local server = serve()
      local first = get_with(server, "/set?name=ann")
      local cookie = cookie_of(first)
      local again = get_with(server, "/again", cookie)
      assert.are_not.equal(first.body, again.body)
      cookie = cookie_of(again)
      local seen = json.decode(get_with(server, "/get", cookie).body)
      assert.are.same({ "ann", again.body }, { seen.data.name, seen.id })
      assert.matches(
        "^session=; .*Max%-Age=0",
        (select(2, cookie_of(get_with(server, "/end", cookie))))
      )
    end)
  )

  it(
    "ends after its time, and when it was not used for long",
    tasks.spec(function()
      local seal = require("chuck.http.seal")
      local function cookie_from(born, used)
        local now = os.time()
        local kept = { d = { name = "ann" }, i = "id", b = now + born, u = now + used }
        return "session=" .. seal.close({ NEW }, "session session", json.encode(kept))
      end
      local server = serve({ max_age = 1000, idle = 100 })
      local function is_known(born, used)
        local answer = get_with(server, "/get", cookie_from(born, used))
        return not json.decode(answer.body).is_new, (select(2, cookie_of(answer)))
      end
      for _, kept in ipairs({ "7", "{}", '{"d":{}}', '{"d":{"name":1},"i":1,"b":1,"u":1}', "{" }) do
        local cookie = "session=" .. seal.close({ NEW }, "session session", kept)
        assert.are.equal(200, get_with(server, "/get", cookie).status)
      end
      assert.is_true((is_known(-900, -5)))
      assert.is_false((is_known(-1000, -5)))
      assert.is_false((is_known(-900, -100)))
      local known, field = is_known(-900, -50)
      assert.is_true(known)
      assert.is_true(tonumber(field:match("Max%-Age=(%d+)")) <= 100)
    end)
  )

  it(
    "asks whether it is still valid",
    tasks.spec(function()
      local revoked = {}
      local server = serve({
        is_valid = function(id, data)
          return not revoked[id] and data.name == "ann"
        end,
      })
      local answer = get_with(server, "/set?name=ann")
      local cookie = cookie_of(answer)
      assert.is_false(json.decode(get_with(server, "/get", cookie).body).is_new)
      revoked[answer.body] = true
      assert.is_true(json.decode(get_with(server, "/get", cookie).body).is_new)
    end)
  )

  it(
    "refuses to be larger than a cookie, with an error in the log",
    tasks.spec(function()
      local server = serve({ max_bytes = 300 })
      assert.are.equal(200, get_with(server, "/set?name=" .. ("x"):rep(50)).status)
      local answer = get_with(server, "/set?name=" .. ("x"):rep(300))
      assert.are.equal(500, answer.status)
      assert.is_nil(answer.fields["set-cookie"])
      assert.are.equal(1, server:Stats().errors)
    end)
  )

  it("refuses keys and attributes that are not safe", function()
    assert_blamed({
      function()
        middleware.session()
      end,
      function()
        middleware.session({})
      end,
      function()
        middleware.session({ keys = {} })
      end,
      function()
        middleware.session({ keys = "short" })
      end,
      function()
        middleware.session({ keys = { NEW, "short" } })
      end,
      function()
        middleware.session({ keys = NEW, name = "a b" })
      end,
      function()
        middleware.session({ keys = NEW, same_site = "none", secure = false })
      end,
      function()
        middleware.session({ keys = NEW, name = "__Host-s", domain = "a.example" })
      end,
      function()
        middleware.session({ keys = NEW, path = "/\r\nX: y" })
      end,
      function()
        middleware.session({ keys = NEW, age = 1 })
      end,
    })
  end)
end)
