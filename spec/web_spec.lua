--- The native codecs below chuck.http, through Lua. What each reads and refuses is tested beside
--- the code, with the vectors of the RFCs; here is what becomes of it.
local web = require("chuck.native").web

local function hex(text)
  return (text:gsub(".", function(char)
    return ("%02x"):format(char:byte())
  end))
end

describe("url", function()
  it("is its parts, in lower case where case does not matter", function()
    assert.are.same({
      scheme = "http",
      userinfo = "U:p",
      host = "example.com",
      port = 8080,
      path = "/A",
      query = "Q",
      fragment = "F",
    }, web.url("HTTP://U:p@Example.COM:8080/A?Q#F"))
    assert.are.same({ scheme = "http", host = "::1", path = "" }, web.url("http://[::1]"))
    assert.are.same({ path = "../x", query = "" }, web.url("../x?"))
  end)

  it("is nothing, with words, when something cannot stand in it", function()
    local url, message, code = web.url("http://a/b c")
    assert.is_nil(url)
    assert.are.equal("byte 32 at 11 cannot stand in a URL", message)
    assert.are.equal("EINVAL", code)
    assert.is_nil((web.url("http://a\r\nHost: b/")))
    assert.is_nil((web.url("http://" .. ("a"):rep(70000))))
  end)

  it("is what a reference means where it stands", function()
    assert.are.equal("http://a/b/g?y#s", web.resolve("http://a/b/c/d;p?q", "../g?y#s"))
    assert.are.equal("https://b/", web.resolve("http://a/", "https://b/"))
    local url, message = web.resolve("/a", "b")
    assert.is_nil(url)
    assert.are.equal("base without a scheme", message)
  end)
end)

describe("a target", function()
  local function parts(target)
    return { web.split_target(target) }
  end

  it("has a path, decoded and as it came, and a query", function()
    assert.are.same({ "/a b", "/a%20b", "x=%31" }, parts("/a%20b?x=%31"))
    assert.are.same({ "/", "/" }, parts("http://example.org"))
    assert.are.same({ "*", "*" }, parts("*"))
  end)

  it("has no decoded path with a broken escape or NUL", function()
    for _, target in ipairs({ "/%", "/%2", "/%zz", "/%00", "/\0", "example.org:443", "" }) do
      assert.is_nil((web.split_target(target)), target)
    end
    local long = "/" .. ("%41"):rep(1000)
    assert.are.equal("/" .. ("A"):rep(1000), (web.split_target(long)))
    assert.is_nil((web.split_target(long .. "%00")))
  end)

  it("keeps no dots when asked", function()
    assert.are.equal("/etc", web.normalize_path("/a/./../../etc"))
  end)
end)

describe("a query", function()
  it("is a list of pairs, decoded", function()
    assert.are.same({ { "a b", "1" }, { "c", "" }, { "a b", "%" } }, web.query("a+b=1&c&&a%20b=%"))
    assert.are.same({}, web.query(""))
  end)

  it("is refused with more pairs than the limit", function()
    assert.are.equal(1000, #web.query(("a&"):rep(1000)))
    local list, message, code = web.query(("a&"):rep(1001))
    assert.is_nil(list)
    assert.are.equal("more than 1000 pairs in a query", message)
    assert.are.equal("EHTTPTOOLARGE", code)
    assert.are.equal(2, #web.query("a&b", 2))
    assert.is_nil((web.query("a&b&c", 2)))
  end)

  it("is put together of strings and numbers", function()
    assert.are.equal("a+b=1&%26=1.5", web.build_query({ { "a b", 1 }, { "&", 1.5 } }))
    assert.are.equal("", web.build_query({}))
    for _, wrong in ipairs({ { "a" }, { { "a" } }, { { "a", {} } } }) do
      assert.is_false(pcall(web.build_query, wrong))
    end
  end)

  it("is encoded and decoded piece by piece", function()
    local all = {}
    for byte = 0, 255 do
      all[#all + 1] = string.char(byte)
    end
    local text = table.concat(all):rep(50)
    assert.are.equal(text, web.decode(web.encode(text)))
    assert.are.equal("a/b%20c", web.encode("a/b c", "/"))
    assert.are.equal("a b+", web.decode("a+b%2b", true))
    assert.is_nil(web.decode("%4"))
  end)
end)

describe("cookies", function()
  it("come as a list", function()
    assert.are.same({ { "a", "1" }, { "b", "x=y" } }, web.cookies('a="1"; b=x=y; c'))
    assert.are.equal(256, #web.cookies(("a=1;"):rep(10000)))
  end)

  it("are set with attributes", function()
    local cookie = web.set_cookie(
      "id=7; Domain=.Example.ORG; Path=/a; Max-Age=60; Secure; HttpOnly; SameSite=Strict; "
        .. "Expires=Sun, 06 Nov 1994 08:49:37 GMT"
    )
    assert.are.same({
      name = "id",
      value = "7",
      domain = "example.org",
      path = "/a",
      max_age = 60,
      secure = true,
      http_only = true,
      same_site = "strict",
      expires = 784111777,
    }, cookie)
    assert.is_nil(web.set_cookie("=x"))
  end)

  it("are written as they are read", function()
    local text = web.build_cookie("id", "7", { path = "/", same_site = "lax", max_age = 0 })
    assert.are.equal("id=7; Max-Age=0; Path=/; SameSite=Lax", text)
    assert.are.equal("id=7", web.build_cookie("id", "7"))
  end)

  it("are not written when a browser would take them for something else", function()
    for _, wrong in ipairs({
      { "a b", "1" },
      { "a", "1;2" },
      { "a", "1\r\nX: y" },
      { "a", "1", { path = "x" } },
      { "a", "1", { path = "/\n" } },
      { "a", "1", { domain = "a b" } },
      { "a", "1", { same_site = "none" } },
      { "__Host-a", "1", { secure = true } },
    }) do
      local text, message, code = web.build_cookie(wrong[1], wrong[2], wrong[3])
      assert.is_nil(text)
      assert.is_string(message)
      assert.are.equal("EINVAL", code)
    end
    local fine, why = pcall(web.build_cookie, "a", "1", { max_age = "x" })
    assert.is_false(fine)
    assert.is_truthy(why:find("option max_age: number expected", 1, true))
  end)
end)

describe("fields", function()
  it("have dates in three forms", function()
    assert.are.equal(784111777, web.date("Sun, 06 Nov 1994 08:49:37 GMT"))
    assert.are.equal(784111777, web.date("Sunday, 06-Nov-94 08:49:37 GMT"))
    assert.are.equal(784111777, web.date("Sun Nov  6 08:49:37 1994"))
    assert.is_nil(web.date("1994-11-06"))
    assert.are.equal("Sun, 06 Nov 1994 08:49:37 GMT", web.format_date(784111777))
  end)

  it("have ranges, none that count, or none that can be had", function()
    assert.are.same({ { 0, 0 }, { 5, 9 } }, web.ranges("bytes=0-0,-5", 10))
    assert.is_nil(web.ranges("bytes=x", 10))
    assert.is_false(web.ranges("bytes=10-", 10))
    assert.is_nil(web.ranges("bytes=" .. ("0-,"):rep(1000), 10))
    assert.is_false(pcall(web.ranges, "bytes=0-", -1))
  end)

  it("have types with parameters", function()
    local kind, parameters = web.media_type('Text/HTML; Charset="ut\\f-8"; a=1')
    assert.are.equal("text/html", kind)
    assert.are.same({ charset = "utf-8", a = "1" }, parameters)
    assert.is_nil(web.media_type("text"))
    assert.are.equal("xY", web.boundary("multipart/form-data; boundary=xY"))
    assert.is_nil(web.boundary("multipart/form-data"))
  end)

  it("have dispositions with names of files", function()
    local kind, parameters =
      web.disposition('form-data; name="a"; filename*=UTF-8\'\'%e2%82%ac; filename="C:\\x"')
    assert.are.equal("form-data", kind)
    assert.are.equal("\226\130\172", parameters.filename)
    assert.are.equal("a", parameters.name)
    assert.is_nil(web.disposition(""))
  end)

  it("have preferences", function()
    assert.are.equal("br", web.choose("gzip, br", { "br", "gzip" }))
    assert.are.equal("gzip", web.choose("gzip, br;q=0.9", { "br", "gzip" }))
    assert.is_nil(web.choose("gzip;q=0.5, identity", { "gzip" }))
    assert.is_nil(web.choose("gzip;q=0", { "gzip" }))
    assert.is_nil(web.choose(nil, { "gzip" }))
    assert.are.equal("gzip", web.choose("*", { "gzip" }))
    assert.are.equal("text/html", web.accepts("text/*;q=0.5", { "a/b", "text/html" }))
    assert.are.equal("a/b", web.accepts(nil, { "a/b", "text/html" }))
    assert.is_nil(web.accepts("image/png", { "a/b" }))
    assert.is_false(pcall(web.choose, "gzip", { 1 }))
  end)
end)

describe("secrets", function()
  it("are digested as the RFCs say", function()
    assert.are.equal("a9993e364706816aba3e25717850c26c9cd0d89d", hex(web.sha1("abc")))
    assert.are.equal("ba7816bf", hex(web.sha256("abc")):sub(1, 8))
    local mac = web.hmac_sha256("Jefe", "what do ya want for nothing?")
    assert.are.equal("5bdcc146bf60754e", hex(mac):sub(1, 16))
  end)

  it("are coded by base64 and back", function()
    assert.are.equal("Zm9vYg==", web.base64("foob"))
    assert.are.equal("__4", web.base64("\255\254", "url"))
    local long = web.random(60000)
    assert.are.equal(long, web.unbase64(web.base64(long)))
    assert.are.equal(long, web.unbase64(web.base64(long, "url"), "url"))
    assert.is_nil(web.unbase64("Zm9v\n"))
    assert.is_false(pcall(web.base64, "x", "hex"))
  end)

  it("are random, and compared as a whole", function()
    assert.are.equal(16, #web.random(16))
    assert.are_not.equal(web.random(16), web.random(16))
    assert.are.equal("", web.random(0))
    assert.is_false(pcall(web.random, 65537))
    assert.is_true(web.equal("abc", "abc"))
    assert.is_false(web.equal("abc", "abd"))
    assert.is_false(web.equal("abc", "ab"))
  end)
end)

it(
  "raises for every function that is called with nothing, or with a value of every type",
  function()
    local values = { true, 1.5, "x\0y", {}, print, io.stdout, coroutine.create(function() end) }
    for name, f in pairs(web) do
      if type(f) == "function" then
        assert.is_false(pcall(f), name)
        for _, one in ipairs(values) do
          for _, two in ipairs(values) do
            for _, three in ipairs(values) do
              local _, why = pcall(f, one, two, three)
              assert.is_falsy(tostring(why):find("internal error", 1, true), name)
            end
          end
        end
      end
    end
  end
)
