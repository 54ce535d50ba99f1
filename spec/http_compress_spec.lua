--- Compression of responses, through real servers and sockets.
local check = require("spec.helper.check")
local chuck = require("chuck")
local http = require("spec.helper.http")
local layers = require("spec.helper.layers")
local native = require("chuck.native")
local tasks = require("spec.helper.tasks")

local co = chuck.co
local middleware, router = chuck.http.middleware, chuck.http.router
local web = native.web
local app_of, ask, assert_blamed, get = layers.app, layers.ask, layers.assert_blamed, layers.get

local function unpacked(coding, bytes)
  return assert(web.decompressor(coding):Feed(bytes, "finish"))
end

describe("compress", function()
  local long = ("a line of text that shrinks\n"):rep(200)

  local function text(_, res)
    res:Set("ETag", '"v1"'):Text(long)
  end

  it(
    "answers in the coding that the client wants most",
    tasks.spec(function()
      local server = http.serve(app_of(middleware.compress(), text))
      for accept, coding in pairs({
        ["gzip"] = "gzip",
        ["br"] = "br",
        ["deflate"] = "deflate",
        ["gzip, deflate, br"] = "br",
        ["br;q=0.1, gzip;q=0.9"] = "gzip",
        ["GZIP"] = "gzip",
      }) do
        local answer = get(server, "Accept-Encoding: " .. accept)
        assert.are.equal(coding, answer.fields["content-encoding"], accept)
        assert.are.equal("Accept-Encoding", answer.fields.vary)
        assert.are.equal('W/"v1"', answer.fields.etag)
        assert(#answer.body < #long / 5)
        assert.are.equal(long, unpacked(coding, answer.body))
      end
    end)
  )

  it(
    "leaves as it is what nobody wants compressed, and says so to caches",
    tasks.spec(function()
      local server = http.serve(app_of(middleware.compress(), text))
      for _, accept in ipairs({ "identity", "gzip;q=0", "zstd", "", "*;q=0", "gzip;q=x" }) do
        local answer = get(server, "Accept-Encoding: " .. accept)
        assert.is_nil(answer.fields["content-encoding"], accept)
        assert.are.equal("Accept-Encoding", answer.fields.vary)
        assert.are.equal('"v1"', answer.fields.etag)
        assert.are.equal(long, answer.body)
      end
      assert.are.equal(long, get(server).body)
    end)
  )

  it(
    "leaves alone what is small, coded, partial, or of another type",
    tasks.spec(function()
      local set
      local server = http.serve(app_of(middleware.compress(), function(_, res)
        return set(res)
      end))
      for name, answer_with in pairs({
        small = function(res)
          res:Text(("a"):rep(1023))
        end,
        coded = function(res)
          res:Set("Content-Encoding", "br"):Text(long)
        end,
        partial = function(res)
          res:Status(206):Set("Content-Range", "bytes 0-1/2"):Text(long)
        end,
        image = function(res)
          res:Set("Content-Type", "image/png"):End(long)
        end,
        untyped = function(res)
          res:End(long)
        end,
        fixed = function(res)
          res:Set("Cache-Control", "private, No-Transform"):Text(long)
        end,
        announced = function(res)
          res:Set("Content-Type", "text/plain"):Start(#long)
          res:End(long)
        end,
        random = function(res)
          res:Set("Content-Type", "text/plain"):End(web.random(2000))
        end,
      }) do
        set = answer_with
        local answer = get(server, "Accept-Encoding: gzip")
        local coding = name == "coded" and "br" or nil
        assert.are.equal(coding, answer.fields["content-encoding"], name)
        assert(tonumber(answer.fields["content-length"]) >= 1023, name)
      end
    end)
  )

  it(
    "compresses what is written in pieces, each as it comes",
    tasks.spec(function()
      local go_on = co.channel(0)
      local server = http.serve(app_of(middleware.compress(), function(_, res)
        res:Set("Content-Type", "text/plain"):Set("Content-Length", 5000)
        res:Write("first ")
        go_on:Recv()
        res:Write("")
        res:Write("second ")
        res:End("x\n")
      end))
      for _, coding in ipairs({ "gzip", "deflate", "br" }) do
        local client = http.connect(server)
        client:Write(http.get("/", "Accept-Encoding: " .. coding))
        local head = {}
        repeat
          head[#head + 1] = assert(client:ReadLine(nil, http.PATIENCE))
        until head[#head] == ""
        assert.matches("Transfer%-Encoding: chunked", table.concat(head, "\n"))
        local packer = web.decompressor(coding)
        local got = ""
        local function read_chunk()
          local size = tonumber(client:ReadLine(nil, http.PATIENCE), 16)
          if size == 0 then
            return false
          end
          got = got .. assert(packer:Feed(assert(client:Read(size, http.PATIENCE))))
          return client:ReadLine(nil, http.PATIENCE)
        end
        repeat
          read_chunk()
        until got == "first "
        go_on:Send(true)
        while read_chunk() do
        end
        assert.are.equal("first second x\n", got)
      end
    end)
  )

  it(
    "announces for HEAD what it would for GET",
    tasks.spec(function()
      local server = http.serve(app_of(middleware.compress(), text))
      local one = get(server, "Accept-Encoding: gzip").fields
      local other = ask(server, "HEAD", "/", "Accept-Encoding: gzip").fields
      assert.are.equal(one["content-length"], other["content-length"])
      assert.are.equal("gzip", other["content-encoding"])
      server = http.serve(app_of(middleware.compress(), function(_, res)
        res:Set("Content-Type", "text/plain"):Write(long)
        res:End()
      end))
      local answer = ask(server, "HEAD", "/", "Accept-Encoding: gzip")
      assert.are.equal("gzip", answer.fields["content-encoding"])
    end)
  )

  it(
    "compresses megabytes while others are served",
    tasks.spec(function()
      local page = web.base64(web.random(40000)):rep(60)
      local server = http.serve(app_of(middleware.compress(), function(_, res)
        res:Text(page)
      end))
      local turns, is_over = 0, false
      co.spawn(function()
        while not is_over do
          turns = turns + 1
          co.yield()
        end
      end)
      local answer = get(server, "Accept-Encoding: gzip")
      is_over = true
      assert(turns >= #page / 65536, turns)
      assert.are.equal("gzip", answer.fields["content-encoding"])
      assert.is_true(page == unpacked("gzip", answer.body))
    end)
  )

  it(
    "compresses no more bodies in pieces at a time than it may",
    tasks.spec(function()
      local go_on = co.channel(0)
      local function wait(_, res)
        res:Set("Content-Type", "text/plain"):Write("a")
        go_on:Recv()
        res:End("b")
      end
      local server = http.serve(app_of(middleware.compress({ max_streams = 1 }), wait))
      local first = tasks.parked(get, server, "Accept-Encoding: gzip")
      local second = tasks.parked(get, server, "Accept-Encoding: gzip")
      go_on:Send(true)
      go_on:Send(true)
      local codings = {}
      for _, outcome in ipairs({ first, second }) do
        local answer = tasks.finished(outcome)[1]
        codings[#codings + 1] = answer.fields["content-encoding"] or "none"
      end
      table.sort(codings)
      assert.are.same({ "gzip", "none" }, codings)
      local third = tasks.parked(get, server, "Accept-Encoding: gzip")
      go_on:Send(true)
      assert.are.equal("gzip", tasks.finished(third)[1].fields["content-encoding"])
    end)
  )

  it(
    "leaves files to the kernel, and streams of events alone",
    tasks.spec(function()
      local folder = check.new_folder()
      local function put(name, content)
        local file = assert(io.open(folder .. "/" .. name, "wb"))
        file:write(content)
        file:close()
      end
      put("a.txt", ("large "):rep(10000))
      put("b.txt", long)
      put("b.txt.gz", "precompressed")
      local app = router():Use(middleware.compress())
      app:Get("/events", function(_, res)
        local events = res:EventStream()
        events:Send(("x"):rep(2000))
        events:Close()
      end)
      app:Use(middleware.static(folder, { precompressed = true }))
      local server = http.serve(app)
      local function get_coded(path)
        local answer = ask(server, "GET", path, "Accept-Encoding: gzip")
        return answer.fields["content-encoding"], answer.body
      end
      assert.is_nil((get_coded("/a.txt")))
      assert.are.same({ "gzip", "precompressed" }, { get_coded("/b.txt") })
      local coding, body = get_coded("/events")
      assert.is_nil(coding)
      assert.matches("data: x+\n\n", body)
      assert.are.equal(404, ask(server, "GET", "/c.txt").status)
      check.remove_folder(folder)
    end)
  )

  it(
    "tells caches with 304 what it would with the whole",
    tasks.spec(function()
      local server = http.serve(app_of(middleware.compress(), function(_, res)
        res:Status(304):Set("ETag", '"v1"'):End()
      end))
      local answer = get(server, "Accept-Encoding: gzip")
      assert.are.same({ 304, "Accept-Encoding" }, { answer.status, answer.fields.vary })
    end)
  )

  it(
    "lets errors through as they are",
    tasks.spec(function()
      local server = http.serve(app_of(middleware.compress(), function()
        error(chuck.http.error(400, long))
      end))
      local answer = get(server, "Accept-Encoding: gzip")
      assert.are.same({ 400, long .. "\n" }, { answer.status, answer.body })
    end)
  )

  it(
    "gives up its stream when the client goes",
    tasks.spec(function()
      local began = false
      local layer = middleware.compress({ max_streams = 1 })
      local server = http.serve(app_of(layer, function(req, res)
        res:Set("Content-Type", "text/plain")
        began = true
        for _ = 1, req.query.n or 1e9 do
          if not res:Write(long) then
            return
          end
          co.yield()
        end
      end))
      local client = http.connect(server)
      client:Write(http.get("/?n=100000000", "Accept-Encoding: gzip"))
      tasks.wait("the handler to begin", function()
        return began
      end)
      client:Close(0)
      tasks.wait("the handler to end", function()
        return server:Stats().active == 0
      end)
      local answer = ask(server, "GET", "/?n=1", "Accept-Encoding: gzip")
      assert.are.equal("gzip", answer.fields["content-encoding"])
    end)
  )

  it(
    "takes types and levels, and refuses others",
    tasks.spec(function()
      local server = http.serve(app_of(
        middleware.compress({
          types = { "a/b" },
          min_bytes = 1,
          codings = { "gzip" },
          levels = { gzip = 1 },
        }),
        function(req, res)
          res:Set("Content-Type", req.query.type):End(long)
        end
      ))
      local function coding_of(kind)
        local answer = ask(server, "GET", "/?type=" .. kind, "Accept-Encoding: br, gzip")
        return answer.fields["content-encoding"]
      end
      assert.are.equal("gzip", coding_of("A/b;c=d"))
      assert.is_nil(coding_of("text/plain"))
      assert_blamed({
        function()
          middleware.compress(1)
        end,
        function()
          middleware.compress({ level = 1 })
        end,
        function()
          middleware.compress({ levels = { zip = 1 } })
        end,
        function()
          middleware.compress({ levels = { gzip = 10 } })
        end,
        function()
          middleware.compress({ codings = { "zstd" } })
        end,
        function()
          middleware.compress({ types = "text/plain" })
        end,
        function()
          middleware.compress({ min_bytes = -1 })
        end,
      })
    end)
  )
end)
