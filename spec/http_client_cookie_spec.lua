--- The jar: which cookies are kept, and who gets them.
local chuck = require("chuck")
local hand = require("spec.helper.http_hand")
local tasks = require("spec.helper.tasks")

local co, http = chuck.co, chuck.http

--- A jar with its own time.
local function new_jar(options)
  local clock = { now = 1000000 }
  options = options or {}
  function options.now()
    return clock.now
  end
  return http.jar(options), clock
end

describe("a jar", function()
  it("gives cookies back to the host that has set them, in the order of their paths", function()
    local jar = new_jar()
    assert.is_true(jar:Store("http://a.test/x/y", "one=1"))
    assert.is_true(jar:Store("http://a.test/x/y", "two=2; Path=/"))
    assert.is_true(jar:Store("http://a.test/x/y", "three=3; Path=/x/y"))
    assert.are.equal("three=3; one=1; two=2", jar:Header("http://a.test/x/y?q"))
    assert.are.equal("one=1; two=2", jar:Header("http://a.test/x/"))
    assert.are.equal("one=1; two=2", jar:Header("http://a.test/x"))
    assert.are.equal("two=2", jar:Header("http://a.test/xy"))
    assert.is_nil(jar:Header("http://b.test/x/y"))
    assert.are.equal(3, jar:Count())
  end)

  it("gives cookies of a domain to its hosts, and those of a host to that alone", function()
    local jar = new_jar()
    jar:Store("http://www.example.com/", "wide=1; Domain=example.com")
    jar:Store("http://www.example.com/", "own=2")
    assert.are.equal("wide=1; own=2", jar:Header("http://www.example.com/"))
    assert.are.equal("wide=1", jar:Header("http://example.com/"))
    assert.are.equal("wide=1", jar:Header("http://deep.down.example.com:81/"))
    assert.is_nil(jar:Header("http://notexample.com/"))
    assert.is_nil(jar:Header("http://example.com.evil.test/"))
  end)

  it(
    "keeps nothing for another domain, for a public suffix, or for a part of an address",
    function()
      local jar = new_jar()
      for url, cookie in pairs({
        ["http://a.example.com/1"] = "x=1; Domain=b.example.com",
        ["http://a.example.com/2"] = "x=1; Domain=com",
        ["http://a.example.com/3"] = "x=1; Domain=.com",
        ["http://shop.co.uk/"] = "x=1; Domain=co.uk",
        ["http://me.github.io/"] = "x=1; Domain=github.io",
        ["http://127.0.0.1/"] = "x=1; Domain=0.0.1",
        ["http://example.com/"] = "x=1; Domain=example.com.evil.test",
      }) do
        assert.is_false(jar:Store(url, cookie), url)
      end
      assert.are.equal(0, jar:Count())
    end
  )

  it("lets a public suffix that is a host speak for itself alone", function()
    local jar = new_jar()
    assert.is_true(jar:Store("http://github.io/", "x=1; Domain=github.io"))
    assert.are.equal("x=1", jar:Header("http://github.io/"))
    assert.is_nil(jar:Header("http://me.github.io/"))
  end)

  it("lets addresses set cookies for themselves", function()
    local jar = new_jar()
    assert.is_true(jar:Store("http://127.0.0.1:8080/", "x=1; Domain=127.0.0.1"))
    assert.are.equal("x=1", jar:Header("http://127.0.0.1/"))
  end)

  it("keeps secrets to https, and the promises of names", function()
    local jar = new_jar()
    assert.is_false(jar:Store("http://a.test/", "x=1; Secure"))
    assert.is_true(jar:Store("https://a.test/", "x=1; Secure"))
    assert.is_nil(jar:Header("http://a.test/"))
    assert.are.equal("x=1", jar:Header("https://a.test/"))
    assert.is_false(jar:Store("http://a.test/", "__Secure-a=1"))
    assert.is_false(jar:Store("https://a.test/", "__Host-a=1; Secure; Path=/x"))
    assert.is_false(jar:Store("https://w.a.test/", "__Host-a=1; Secure; Path=/; Domain=a.test"))
    assert.is_true(jar:Store("https://a.test/", "__Host-a=1; Secure; Path=/"))
  end)

  it("forgets cookies at their end, and at once when that has passed", function()
    local jar, clock = new_jar()
    jar:Store("http://a.test/", "short=1; Max-Age=10")
    jar:Store("http://a.test/", "session=2")
    assert.are.equal("short=1; session=2", jar:Header("http://a.test/"))
    clock.now = clock.now + 10
    assert.are.equal("session=2", jar:Header("http://a.test/"))
    jar:Store("http://a.test/", "session=; Max-Age=0")
    assert.is_nil(jar:Header("http://a.test/"))
    assert.are.equal(0, jar:Count())
    jar:Store("http://a.test/", "old=1; Expires=Thu, 01 Jan 1970 00:00:01 GMT")
    assert.are.equal(0, jar:Count())
    jar:Store("http://a.test/", "both=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:01 GMT")
    assert.are.equal(1, jar:Count())
  end)

  it("puts a new value in place of the old one", function()
    local jar = new_jar()
    jar:Store("http://a.test/", "a=1")
    jar:Store("http://a.test/", "b=2")
    jar:Store("http://a.test/", "a=3")
    assert.are.equal("a=3; b=2", jar:Header("http://a.test/"))
  end)

  it("is bounded: the oldest go first", function()
    local jar = new_jar({ max_cookies = 4, max_cookies_per_domain = 2 })
    for i = 1, 3 do
      jar:Store("http://a.test/", ("a%d=%d"):format(i, i))
    end
    assert.are.equal("a2=2; a3=3", jar:Header("http://a.test/"))
    for i = 1, 3 do
      jar:Store(("http://b%d.test/"):format(i), "x=1")
    end
    assert.are.equal(4, jar:Count())
    assert.are.equal("a3=3", jar:Header("http://a.test/"))
    assert.is_false(jar:Store("http://a.test/", "big=" .. ("x"):rep(5000)))
    assert.is_false(jar:Store("http://a.test/", ""))
    assert.is_false(jar:Store("http://a.test/", "=;;;"))
  end)

  it("can be emptied into a list, and filled from it", function()
    local jar = new_jar()
    jar:Store("http://www.example.com/x/", "a=1; Domain=example.com; Max-Age=100; HttpOnly")
    jar:Store("http://www.example.com/x/", "b=2")
    local list = jar:List()
    assert.are.same({ "a", "example.com", false, true, 1000100 }, {
      list[1].name,
      list[1].domain,
      list[1].is_host_only,
      list[1].http_only,
      list[1].expires,
    })
    local other = new_jar()
    for _, cookie in ipairs(list) do
      other:Add(cookie)
    end
    assert.are.equal("a=1", jar:Header("http://example.com/x/"))
    assert.are.equal("a=1; b=2", other:Header("http://www.example.com/x/"))
    other:Clear("www.example.com")
    assert.are.equal(1, other:Count())
    other:Clear()
    assert.are.equal(0, other:Count())
  end)

  it("blames the caller's line for wrong arguments", function()
    local jar = new_jar()
    for _, call in ipairs({
      function()
        jar:Store(7, "a=1")
      end,
      function()
        jar:Store("http://a.test/")
      end,
      function()
        jar:Header("nothing")
      end,
      function()
        jar:Add({ name = "a", value = "b\r\nc", domain = "a.test" })
      end,
      function()
        jar:Add({ name = "a" })
      end,
      function()
        http.jar({ max_cookies = 0 })
      end,
      function()
        jar.Count({})
      end,
    }) do
      local line = debug.getinfo(call, "S").linedefined + 1
      local fine, message = pcall(call)
      assert.is_false(fine)
      assert.matches("http_client_cookie_spec.lua:" .. line .. ": ", message, 1, true)
    end
  end)
end)

describe("a client with a jar", function()
  --- A server that sets a cookie at "/set".
  local function setting()
    return hand.serve(function(stream, request)
      local fields = request.target == "/set" and { "Set-Cookie: id=7", "Set-Cookie: b=8" } or nil
      stream:Write(hand.answer(200, fields))
    end)
  end

  it(
    "keeps cookies and sends them back, beside those of the program",
    tasks.spec(function()
      local server, client = setting(), hand.client({ jar = true })
      assert(client:Get(server.url .. "/set"))
      assert(client:Get(server.url, { headers = { Cookie = "own=1" } }))
      assert.is_nil(server.requests[1].fields.cookie)
      assert.are.equal("own=1; id=7; b=8", server.requests[2].fields.cookie)
      assert.are.equal(2, client:Jar():Count())
      assert(client:Get(server.url, { jar = false }))
      assert.is_nil(server.requests[3].fields.cookie)
    end)
  )

  it(
    "closes the connection when the jar raises",
    tasks.spec(function()
      local server =
        hand.say("HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 90000\r\n\r\nhe")
      local asked = 0
      local own = http.jar({
        now = function()
          asked = asked + 1
          return asked == 1 and 0 or error("no time", 0)
        end,
      })
      local client = hand.client({ jar = own })
      local fine, problem = co.pcall(client.Get, client, server.url)
      assert.is_false(fine)
      assert.are.equal("no time", problem)
      assert.are.equal(0, client:Stats().connections)
    end)
  )

  it(
    "keeps none without one",
    tasks.spec(function()
      local server, client = setting(), hand.client()
      assert(client:Get(server.url .. "/set"))
      assert(client:Get(server.url))
      assert.is_nil(server.requests[2].fields.cookie)
      assert.is_nil(client:Jar())
    end)
  )
end)
