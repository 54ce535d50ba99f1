--- Files as answers: ranges, conditions, types, folders, and what never leaves a root.
local assert = require("luassert")
local chuck = require("chuck")
local http = require("spec.helper.http")
local lfs = require("lfs")
local native = require("chuck.native")
local net = require("spec.helper.net")
local program = require("spec.helper.program")
local tasks = require("spec.helper.tasks")

local co, io = chuck.co, chuck.io
local spec = tasks.spec

--- A large file, a small one, and what must never be seen.
local LARGE, SMALL, SECRET = net.pattern(3000000), net.pattern(1000), "nobody may read this"
local TIME = "Sun, 06 Nov 1994 08:49:37 GMT"
local place, root

local function write(name, text)
  local file = assert(_G.io.open(root .. "/" .. name, "wb"))
  file:write(text)
  file:close()
  lfs.touch(root .. "/" .. name, 784111777)
end

setup(function()
  place = program.folder()
  root = place .. "/root"
  lfs.mkdir(root)
  lfs.mkdir(root .. "/folder")
  lfs.mkdir(root .. "/bare")
  lfs.mkdir(root .. "/.git")
  write("large.bin", LARGE)
  write("small.txt", SMALL)
  write("page.html", "<p>page")
  write("empty.css", "")
  write("packed.js", ("let a = 1;\n"):rep(100))
  write("packed.js.br", "brotli bytes")
  write("packed.js.gz", "gzip bytes")
  write("stale.js", "new content")
  write("stale.js.gz", "old content")
  lfs.touch(root .. "/stale.js", 784111778)
  write("folder/index.html", "index")
  write("bare/a & <b>.txt", "x")
  write("bare/.hidden", SECRET)
  write(".git/config", SECRET)
  write("../secret", SECRET)
  lfs.link("../secret", root .. "/leak", true)
  lfs.link(place .. "/secret", root .. "/absolute", true)
  lfs.link("..", root .. "/folder/up", true)
  lfs.link("small.txt", root .. "/inside", true)
  program.shell("mkfifo " .. root .. "/pipe")
end)

teardown(function()
  program.shell("rm -rf " .. place)
end)

--- A server of the folder.
local function serve(options)
  return http.serve(chuck.http.static(root, options))
end

--- A server that answers with one file.
local function serve_file(name, options, before)
  return http.serve(function(req, res)
    if before then
      before(req, res)
    end
    res:File(root .. "/" .. name, options)
  end)
end

local function ask(server, path, ...)
  return (http.ask(server, http.get(path, ...)))
end

describe("a file", function()
  it(
    "is answered whole, small or large, with what it is",
    spec(function()
      local server = serve()
      local large = ask(server, "/large.bin")
      net.assert_same_bytes(LARGE, large.body)
      assert.are.equal("3000000", large.fields["content-length"])
      assert.are.equal("application/octet-stream", large.fields["content-type"])
      assert.are.equal("bytes", large.fields["accept-ranges"])
      local small = ask(server, "/small.txt")
      assert.are.equal(SMALL, small.body)
      assert.are.equal("text/plain; charset=utf-8", small.fields["content-type"])
      assert.are.equal(TIME, small.fields["last-modified"])
      assert.matches('^"%x+%-3e8%-%x+"$', small.fields.etag)
      assert.are.equal("", ask(server, "/empty.css").body)
    end)
  )

  it(
    "has an answer to HEAD that says the same and has no body, and the connection goes on",
    spec(function()
      local server = serve()
      for _, name in ipairs({ "/large.bin", "/small.txt", "/empty.css" }) do
        local whole = ask(server, name)
        local client = http.connect(server)
        client:Write("HEAD " .. name .. " HTTP/1.1\r\nHost: a\r\n\r\n" .. http.get("/page.html"))
        local head = http.read(client, true)
        assert.are.equal(whole.fields["content-length"], head.fields["content-length"])
        assert.are.equal(whole.fields.etag, head.fields.etag)
        assert.are.equal("<p>page", http.read(client).body)
      end
    end)
  )

  it(
    "comes in its turn between other answers on a connection",
    spec(function()
      local client = http.connect(serve())
      local names = { "/large.bin", "/small.txt", "/large.bin", "/page.html" }
      for _, name in ipairs(names) do
        client:Write(http.get(name))
      end
      for _, expected in ipairs({ LARGE, SMALL, LARGE, "<p>page" }) do
        net.assert_same_bytes(expected, http.read(client).body)
      end
    end)
  )

  it(
    "goes to old clients whole, however slowly they read",
    spec(function()
      local client = http.connect(serve())
      client:Write("GET /large.bin HTTP/1.0\r\n\r\n")
      tasks.wait("an answer", function()
        return client:ReadSome(1)
      end)
      co.sleep(20)
      local rest = client:ReadAll(nil, http.PATIENCE)
      net.assert_same_bytes(LARGE, rest:sub(-#LARGE))
    end)
  )

  it(
    "has the type that the handler, an option or its name says",
    spec(function()
      local function type_of(name, options, before)
        return ask(serve_file(name, options, before), "/").fields["content-type"]
      end
      assert.are.equal("text/html; charset=utf-8", type_of("page.html"))
      assert.are.equal("text/html", type_of("page.html", { charset = false }))
      assert.are.equal("text/html; charset=latin1", type_of("page.html", { charset = "latin1" }))
      assert.are.equal("a/b", type_of("page.html", { type = "a/b" }))
      assert.are.equal("x/y", type_of("page.html", { types = { html = "x/y" } }))
      assert.are.equal(
        "c/d",
        type_of("page.html", nil, function(_, res)
          res:Set("Content-Type", "c/d")
        end)
      )
    end)
  )

  it(
    "says how to keep it and under what name to save it",
    spec(function()
      local server = serve_file("page.html", { download = 'a/b"ü.html', max_age = 120 / 2 })
      local fields = ask(server, "/").fields
      local name = "attachment; filename=\"b___.html\"; filename*=UTF-8''b%22%C3%BC.html"
      assert.are.equal(name, fields["content-disposition"])
      assert.are.equal("max-age=60", fields["cache-control"])
      server = serve_file("page.html", { download = true, cache_control = "no-store" })
      fields = ask(server, "/").fields
      assert.are.equal('attachment; filename="page.html"', fields["content-disposition"])
      assert.are.equal("no-store", fields["cache-control"])
      assert.is_nil(
        ask(serve_file("page.html", { last_modified = false }), "/").fields["last-modified"]
      )
      assert.is_nil(ask(serve_file("page.html", { etag = false }), "/").fields.etag)
    end)
  )

  it(
    "keeps the status of the handler, and then asks for no conditions and no ranges",
    spec(function()
      local server = serve_file("page.html", nil, function(_, res)
        res:Status(404)
      end)
      local answer = ask(server, "/", "Range: bytes=0-1", "If-None-Match: *")
      assert.are.equal(404, answer.status)
      assert.are.equal("<p>page", answer.body)
    end)
  )

  it(
    "that is not there is answered with 404, or told to the handler",
    spec(function()
      local told
      local server = http.serve(function(req, res)
        local options = { root = root, fallthrough = req.path == "/tell" }
        told = { res:File("none", options) }
        return "something else"
      end)
      assert.are.equal(404, ask(server, "/").status)
      assert.is_nil(told[1])
      assert.are.equal("ENOENT", told[3])
      assert.are.equal("something else", ask(server, "/tell").body)
      assert.matches("^none: ", told[2])
    end)
  )

  it(
    "that becomes shorter while it is sent ends the connection, and nothing else",
    spec(function()
      local name = root .. "/shrinks"
      program.shell("head -c 20000000 /dev/zero > " .. name)
      local server = serve()
      local client = http.connect(server)
      client:Write(http.get("/shrinks"))
      assert(client:Read(1000, http.PATIENCE))
      program.shell("truncate -s 100 " .. name)
      local rest = client:ReadAll(nil, http.PATIENCE) or ""
      assert.is_true(#rest < 20000000)
      assert.are.equal("<p>page", ask(server, "/page.html").body)
      tasks.wait("the end of the request", function()
        return server:Stats().active == 0
      end)
    end)
  )

  it(
    "is let go of when its client has gone, and does not keep others waiting",
    spec(function()
      program.shell("head -c 50000000 /dev/zero > " .. root .. "/huge")
      local server = serve()
      local slow = {}
      for i = 1, 5 do
        slow[i] = http.connect_rudely(server)
        slow[i]:Write(http.get("/huge"))
        assert(slow[i]:Read(10, http.PATIENCE))
      end
      assert.are.equal(SMALL, ask(server, "/small.txt").body)
      assert.are.equal(5, server:Stats().active)
      for i = 1, 5 do
        slow[i]:Close(0)
      end
      tasks.wait("the end of the requests", function()
        return server:Stats().active == 0
      end)
    end)
  )

  it(
    "is not kept for a client that takes nothing",
    spec(function()
      program.shell("head -c 50000000 /dev/zero > " .. root .. "/huge")
      local server = http.serve(chuck.http.static(root), { write_ms = 50 })
      local client = http.connect(server)
      client:Write(http.get("/huge"))
      tasks.wait("the request", function()
        return server:Stats().requests == 1
      end)
      tasks.wait("the end of the request", function()
        return server:Stats().active == 0 and server:Stats().connections == 0
      end)
    end)
  )

  it(
    "is refused as an argument at the caller's line",
    spec(function()
      local problems = {}
      local server = http.serve(function(_, res)
        for _, arguments in ipairs({
          { nil },
          { "x", { rot = "/" } },
          { "x", { max_age = -1 } },
          { "x", { etag = "sturdy" } },
          { "x", 7 },
        }) do
          local _, problem = pcall(function()
            res:File(arguments[1], arguments[2])
          end)
          problems[#problems + 1] = tostring(problem)
        end
      end)
      ask(server, "/")
      local expected = {
        "bad argument #1 to 'File' %(string expected, got nil%)",
        "bad argument #2 to 'File' %(unknown option rot%)",
        "bad argument #2 to 'File' %(option max_age: count expected, got %-1%)",
        "bad argument #2 to 'File' %(option etag: ",
        "bad argument #2 to 'File' %(table expected, got 7%)",
      }
      for i, pattern in ipairs(expected) do
        assert.matches("http_file_spec%.lua:%d+: " .. pattern, problems[i])
      end
    end)
  )
end)

describe("a range", function()
  it(
    "is answered with just those bytes",
    spec(function()
      local server = serve()
      for asked, got in pairs({
        ["0-9"] = { 0, 9 },
        ["990-"] = { 990, 999 },
        ["-3"] = { 997, 999 },
        ["995-5000"] = { 995, 999 },
        ["0-0"] = { 0, 0 },
      }) do
        local answer = ask(server, "/small.txt", "Range: bytes=" .. asked)
        assert.are.equal(206, answer.status)
        assert.are.equal(SMALL:sub(got[1] + 1, got[2] + 1), answer.body)
        local range = ("bytes %d-%d/1000"):format(got[1], got[2])
        assert.are.equal(range, answer.fields["content-range"])
      end
      local large = ask(server, "/large.bin", "Range: bytes=1000000-2499999")
      net.assert_same_bytes(LARGE:sub(1000001, 2500000), large.body)
    end)
  )

  it(
    "behind the end is answered with 416, and one that is none with everything",
    spec(function()
      local server = serve()
      local answer = ask(server, "/small.txt", "Range: bytes=1000-")
      assert.are.equal(416, answer.status)
      assert.are.equal("bytes */1000", answer.fields["content-range"])
      for _, range in ipairs({ "bytes=9-1", "lines=1-2", "bytes=a-b", "bytes=0-999,0-999" }) do
        answer = ask(server, "/small.txt", "Range: " .. range)
        assert.are.equal(200, answer.status)
        assert.are.equal(SMALL, answer.body)
      end
      answer =
        http.ask(server, http.text("HEAD /small.txt HTTP/1.1", "Host: a", "Range: bytes=0-1"), true)
      assert.are.equal(200, answer.status)
      assert.are.equal(200, ask(serve({ ranges = false }), "/small.txt", "Range: bytes=0-1").status)
    end)
  )

  it(
    "of several parts is answered with a body of several parts",
    spec(function()
      local server = serve()
      for name, content in pairs({ ["/small.txt"] = SMALL, ["/large.bin"] = LARGE }) do
        local answer = ask(server, name, "Range: bytes=0-9,100-200,-5")
        assert.are.equal(206, answer.status)
        local kind = answer.fields["content-type"]
        local boundary = kind:match("^multipart/byteranges; boundary=(%x+)$")
        local parser = native.web.multipart(boundary)
        local parts, heads = {}, {}
        for _, event in ipairs(parser:Feed(answer.body)) do
          if event[1] == "part" then
            heads[#heads + 1] = native.http.value(event[2], "content-range")
          elseif event[1] == "data" then
            parts[#heads] = (parts[#heads] or "") .. event[2]
          end
        end
        assert.is_true(parser:IsDone())
        local size = #content
        assert.are.same({
          "bytes 0-9/" .. size,
          "bytes 100-200/" .. size,
          ("bytes %d-%d/%d"):format(size - 5, size - 1, size),
        }, heads)
        assert.are.same({ content:sub(1, 10), content:sub(101, 201), content:sub(-5) }, parts)
      end
    end)
  )

  it(
    "is sent only to who has the rest from the same content",
    spec(function()
      local server = serve()
      local tag = ask(server, "/small.txt").fields.etag
      local function status_with(value)
        local range = "Range: bytes=0-1"
        return ask(server, "/small.txt", range, "If-Range: " .. value).status
      end
      assert.are.equal(206, status_with(tag))
      assert.are.equal(206, status_with(TIME))
      assert.are.equal(200, status_with('"other"'))
      assert.are.equal(200, status_with("W/" .. tag))
      assert.are.equal(200, status_with("Sun, 06 Nov 1994 08:49:38 GMT"))
      server = serve({ etag = "weak" })
      tag = ask(server, "/small.txt").fields.etag
      assert.matches('^W/"', tag)
      assert.are.equal(200, status_with(tag))
    end)
  )
end)

describe("a condition", function()
  it(
    "of who has the content is answered with 304 and no body",
    spec(function()
      local server = serve({ max_age = 5 })
      local tag = ask(server, "/small.txt").fields.etag
      for _, field in ipairs({
        "If-None-Match: " .. tag,
        "If-None-Match: W/" .. tag,
        'If-None-Match: "a", "b",' .. tag,
        "If-None-Match: *",
        "If-Modified-Since: " .. TIME,
        "If-Modified-Since: Sun, 06 Nov 2044 08:49:37 GMT",
      }) do
        local answer = ask(server, "/small.txt", field)
        assert.are.equal(304, answer.status, field)
        assert.are.equal(tag, answer.fields.etag)
        assert.are.equal("max-age=5", answer.fields["cache-control"])
        assert.is_nil(answer.fields["content-type"])
        assert.is_nil(answer.fields["content-length"])
      end
    end)
  )

  it(
    "that does not hold is answered with 412, in the order of RFC 9110",
    spec(function()
      local server = serve()
      local tag = ask(server, "/small.txt").fields.etag
      local OLDER = "Sun, 06 Nov 1994 08:49:36 GMT"
      for _, case in ipairs({
        { 200, "If-Match: " .. tag },
        { 200, "If-Match: *" },
        { 412, 'If-Match: "other"' },
        { 412, "If-Match: W/" .. tag },
        { 200, "If-Unmodified-Since: " .. TIME },
        { 412, "If-Unmodified-Since: " .. OLDER },
        { 200, "If-Unmodified-Since: nonsense" },
        -- Tags count, times do not, where both are there.
        { 200, "If-Match: " .. tag, "If-Unmodified-Since: " .. OLDER },
        { 200, 'If-None-Match: "other"', "If-Modified-Since: " .. TIME },
        { 200, "If-Modified-Since: " .. OLDER },
        { 412, 'If-Match: "other"', "If-None-Match: *" },
        { 304, "If-Match: *", "If-None-Match: *", "Range: bytes=5000-" },
      }) do
        local answer = ask(server, "/small.txt", case[2], case[3] or "A: b", case[4] or "C: d")
        assert.are.equal(case[1], answer.status, table.concat(case, "; "))
      end
    end)
  )
end)

describe("content that was compressed before", function()
  it(
    "goes to who takes it, with a tag of its own",
    spec(function()
      local server = serve({ precompressed = true })
      local function get(accepted)
        return ask(server, "/packed.js", accepted and "Accept-Encoding: " .. accepted or "A: b")
      end
      local plain = get(nil)
      assert.are.equal(1100, #plain.body)
      assert.is_nil(plain.fields["content-encoding"])
      local br = get("gzip, deflate, br")
      assert.are.equal("brotli bytes", br.body)
      assert.are.equal("br", br.fields["content-encoding"])
      assert.are.equal("text/javascript; charset=utf-8", br.fields["content-type"])
      local gzip = get("gzip")
      assert.are.equal("gzip bytes", gzip.body)
      for _, answer in ipairs({ plain, br, gzip }) do
        assert.are.equal("Accept-Encoding", answer.fields.vary)
      end
      assert.are_not.equal(plain.fields.etag, br.fields.etag)
      assert.are_not.equal(gzip.fields.etag, br.fields.etag)
      assert.are.equal(1100, #get("gzip;q=0, br;q=0").body)
      local answer = ask(server, "/packed.js", "Accept-Encoding: br", "Range: bytes=0-5")
      assert.are.equal("brotli", answer.body)
    end)
  )

  it(
    "is not sent when it is older than the content, or is not there",
    spec(function()
      local server = serve({ precompressed = true })
      assert.are.equal("new content", ask(server, "/stale.js", "Accept-Encoding: gzip").body)
      assert.are.equal("<p>page", ask(server, "/page.html", "Accept-Encoding: br, gzip").body)
      assert.are.equal(1100, #ask(serve(), "/packed.js", "Accept-Encoding: gzip").body)
    end)
  )
end)

describe("a root", function()
  it(
    "is never left, whatever the path says and wherever links lead",
    spec(function()
      local server, shows = serve({ list = true }), serve({ list = true, dotfiles = true })
      for _, path in ipairs({
        "/../secret",
        "/folder/../../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/folder/%2e%2e/%2e%2e/secret",
        "//../secret",
        "/" .. place .. "/secret",
        "/%2f" .. place:sub(2) .. "/secret",
        "/leak",
        "/absolute",
        "/folder/up/../secret",
        "/pipe",
      }) do
        for _, which in ipairs({ server, shows }) do
          local answer = ask(which, path)
          assert.are.equal(404, answer.status, path)
          assert.is_nil(answer.body:find(SECRET, 1, true))
        end
      end
      assert.are.equal(400, ask(server, "/small.txt%00.html").status)
      -- Links that stay inside are followed where the kernel sees to it.
      local inside = ask(server, "/inside")
      assert.are.equal(inside.status == 200 and SMALL or "404 Not Found\n", inside.body)
    end)
  )

  it(
    "holds for paths that a handler is given",
    spec(function()
      local server = http.serve(function(req, res)
        res:File(req.query.name, { root = root })
      end)
      assert.are.equal(SMALL, ask(server, "/?name=small.txt").body)
      assert.are.equal(SMALL, ask(server, "/?name=/small.txt").body)
      for _, name in ipairs({ "../secret", "leak", place .. "/secret", "folder", "" }) do
        assert.are.equal(404, ask(server, "/?name=" .. name).status, name)
      end
    end)
  )

  it(
    "hides names that begin with a dot, unless they are allowed",
    spec(function()
      assert.are.equal(404, ask(serve(), "/.git/config").status)
      assert.are.equal(404, ask(serve(), "/bare/.hidden").status)
      assert.are.equal(SECRET, ask(serve({ dotfiles = true }), "/.git/config").body)
    end)
  )
end)

describe("a folder", function()
  it(
    "is its index, behind a slash",
    spec(function()
      local server = serve()
      assert.are.equal("index", ask(server, "/folder/").body)
      local answer = ask(server, "/folder?a=b")
      assert.are.equal(301, answer.status)
      assert.are.equal("/folder/?a=b", answer.fields.location)
      assert.are.equal(404, ask(server, "/bare/").status)
      assert.are.equal(404, ask(server, "/bare").status)
      assert.are.equal(404, ask(server, "/small.txt/").status)
      assert.are.equal("<p>page", ask(serve({ index = "page.html" }), "/").body)
      assert.are.equal(404, ask(serve({ index = false }), "/folder/").status)
    end)
  )

  it(
    "never sends a client to another host",
    spec(function()
      local server = serve()
      for _, path in ipairs({ "//folder", "///folder", "/\\folder", "//folder/../folder" }) do
        local location = ask(server, path).fields.location
        assert.is_true(location == nil or location:match("^/[^/\\]") ~= nil, path)
      end
    end)
  )

  it(
    "is listed when that is wanted, with names that do nothing on the page",
    spec(function()
      local answer = ask(serve({ list = true }), "/bare/")
      assert.are.equal("text/html; charset=utf-8", answer.fields["content-type"])
      assert.matches('href="%./a%%20%%26%%20%%3Cb%%3E%.txt">a &amp; &lt;b&gt;%.txt<', answer.body)
      assert.is_nil(answer.body:find("hidden", 1, true))
      assert.matches("hidden", ask(serve({ list = true, dotfiles = true }), "/bare/").body)
      assert.are.equal(301, ask(serve({ list = true }), "/bare").status)
      assert.matches('href="%./folder/"', ask(serve({ list = true }), "/").body)
    end)
  )

  it(
    "answers below a prefix without a slash, and for nothing else that begins like it",
    spec(function()
      local static = chuck.http.static(root, { prefix = "/files" })
      local server = http.serve(static)
      local name = "page.html"
      assert.are.equal(200, http.ask(server, http.get("/files/" .. name)).status)
      assert.are.equal(404, http.ask(server, http.get("/files" .. name)).status)
    end)
  )

  it(
    "is read only, and lets the next have what it has not",
    spec(function()
      local static = chuck.http.static(root, { prefix = "/files/" })
      local server = http.serve(function(req, res)
        static(req, res, function()
          res:Text("next")
        end)
      end)
      assert.are.equal(SMALL, ask(server, "/files/small.txt").body)
      for _, path in ipairs({ "/small.txt", "/files/none", "/files/bare/", "/files/../x" }) do
        assert.are.equal("next", ask(server, path).body, path)
      end
      assert.are.equal("next", http.ask(server, http.post("/files/small.txt", "x")).body)
      local answer = http.ask(serve(), http.post("/small.txt", "x"))
      assert.are.equal(405, answer.status)
      assert.are.equal("GET, HEAD", answer.fields.allow)
    end)
  )

  it(
    "may have a page for what is not there",
    spec(function()
      local server = serve({ fallback = "page.html" })
      assert.are.equal("<p>page", ask(server, "/app/users/7").body)
      assert.are.equal(SMALL, ask(server, "/small.txt").body)
      assert.are.equal(404, ask(server, "/../secret").status)
    end)
  )
end)

describe("curl", function()
  it(
    "goes on with a download where it was broken off",
    spec(function()
      local server = serve()
      local part = place .. "/part"
      local file = assert(_G.io.open(part, "wb"))
      file:write(LARGE:sub(1, 1234567))
      file:close()
      local url = "http://" .. server:GetSockAddr() .. "/large.bin"
      local child = assert(io.popen({ "curl", "-sS", "-C", "-", "-o", part, url }))
      assert.are.equal(0, child:Wait())
      file = assert(_G.io.open(part, "rb"))
      net.assert_same_bytes(LARGE, file:read("*a"))
      file:close()
    end)
  )
end)
