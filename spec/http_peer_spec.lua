--- HTTP with peers that we did not write: curl, Python's three clients, node and nginx, which also
--- stands between our client and our server.
local chuck = require("chuck")
local app = require("spec.helper.http_app")
local net = require("spec.helper.net")
local nginx = require("spec.helper.nginx")
local program = require("spec.helper.program")
local tasks = require("spec.helper.tasks")

local co, http, io = chuck.co, chuck.http, chuck.io
local spec = tasks.spec

local unpack = table.unpack or rawget(_G, "unpack")
local has_curl, has_node = program.find("curl"), program.find("node")
local has_nginx = nginx.path()
local folder

setup(function()
  folder = program.folder()
  program.write(folder .. "/file.txt", app.FILE)
end)

teardown(function()
  program.shell("rm -rf " .. folder)
end)

local function when(is_there, name, body)
  if is_there then
    it(name, spec(body))
  else
    pending(name .. ", where there is such a program")
  end
end

--- What handlers have raised; one of them does so on purpose.
local raised

--- The port of a server of ours.
local function serve()
  raised = {}
  local options = {
    on_error = function(problem)
      raised[#raised + 1] = tostring(problem)
    end,
  }
  local server = tasks.own(assert(http.serve("127.0.0.1:0", app.new(folder), options)))
  return tonumber(server:GetSockAddr():match("%d+$"))
end

local function url_of(port, path)
  return ("http://127.0.0.1:%d%s"):format(port, path or "")
end

--- What a program says, which has to end well. Its complaints are part of it.
local function said_by(command, input)
  local child = assert(io.popen(program.mortal(command), { stderr = "stdout" }))
  co.spawn(function()
    for _, piece in ipairs(input or {}) do
      child:Write(piece)
    end
    child:Shutdown()
  end)
  local text = assert(child:ReadAll())
  local status = child:Wait()
  if status ~= 0 then
    local all = table.concat(raised or {}, "\n")
    error(("%s ended with %s:\n%s\n%s"):format(command[1], tostring(status), text, all), 0)
  end
  return text
end

--- What a program of spec/peers says.
local function peer(interpreter, name, port)
  return said_by({ interpreter, "spec/peers/" .. name, url_of(port) })
end

local function curl(port, path, ...)
  local command = { "curl", "-sS", "--max-time", "20", "--noproxy", "*", ... }
  command[#command + 1] = url_of(port, path)
  return said_by(command)
end

describe("the server", function()
  when(has_curl, "keeps curl's connection, and closes that of HTTP/1.0", function()
    local port = serve()
    local told = "%{http_version} %{num_connects} %{http_code}\n"
    local first = url_of(port, "/hello")
    assert.are.equal(
      "hello1.1 1 200\nhello1.1 0 200\n",
      curl(port, "/hello", "-w", told, "-o", "-", "-o", "-", first)
    )
    assert.are.equal("hello1.1 1 200\n", curl(port, "/hello", "-0", "-w", told))
    assert.are.equal(10, select(2, curl(port, "/chunks", "-0"):gsub("piece", "")))
  end)

  when(has_curl, "takes what curl sends: whole, in chunks, announced, and many parts", function()
    local port = serve()
    local big = folder .. "/big"
    program.write(big, net.pattern(2000000))
    assert.are.equal("a=1&b=2", curl(port, "/echo", "-d", "a=1", "-d", "b=2"))
    local sent = { "--data-binary", "@" .. big, "--expect100-timeout", "30" }
    sent[#sent + 1] = "-HExpect: 100-continue"
    net.assert_same_bytes(net.pattern(2000000), curl(port, "/echo", unpack(sent)))
    net.assert_same_bytes(net.pattern(2000000), curl(port, "/pass", "-T", big))
    local command = { "curl", "-sS", "--max-time", "20", "-T", "-", url_of(port, "/echo") }
    assert.are.equal("onetwo", said_by(command, { "one", "two" }))
    local sizes = curl(port, "/multipart", "-F", "plain=1", "-F", "file=@" .. big)
    assert.are.equal(2000000, chuck.json.decode(sizes).file)
  end)

  when(has_curl, "gives curl heads, ranges, trailers, cookies and redirections", function()
    local port = serve()
    local head = curl(port, "/hello", "-I")
    assert.is_truthy(
      head:find("^HTTP/1.1 200 OK\r\n") and head:find("Content-Length: 5\r\n", 1, true)
    )
    assert.are.equal("00000002", curl(port, "/file", "-r", "8-15"))
    assert.is_truthy(curl(port, "/trailers", "-D", "-"):lower():find("x%-sum: 55"))
    assert.are.equal("hello", curl(port, "/redirect", "-L"))
    local jar = folder .. "/jar"
    curl(port, "/cookies", "-c", jar)
    assert.are.equal("1 and 2", curl(port, "/cookies/show", "-b", jar))
    assert.are.equal("404", curl(port, "/x", "-o", "/dev/null", "-w", "%{http_code}"))
    assert.are.equal("400", curl(port, "/", "-H", "Host:", "-o", "/dev/null", "-w", "%{http_code}"))
  end)

  -- requests closes no connection, and neither do we, whatever it has asked for.
  for name, last in pairs({
    requests = "connections 1\nfine\n",
    httpx = "fine\n",
    aiohttp = "fine\n",
  }) do
    local python = program.python(name)
    when(python, "is understood by Python's " .. name, function()
      assert.are.equal(last, peer(python, "with_" .. name .. ".py", serve()))
    end)
  end

  when(has_node, "is understood by node's fetch", function()
    assert.are.equal("fine\n", peer("node", "with_fetch.mjs", serve()))
  end)

  local python = program.python("requests")
  when(has_nginx and python, "is the same behind nginx", function()
    local port = serve()
    local between = nginx.start(
      [[
      location / {
        proxy_pass http://up;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host "somewhere";
        proxy_set_header X-Forwarded-For $remote_addr;
      }
    ]],
      ("upstream up { server 127.0.0.1:%d; keepalive 8; }"):format(port)
    )
    assert.is_truthy(peer(python, "with_requests.py", between.port):find("fine\n$"))
    assert.are.equal("somewhere for 127.0.0.1", curl(between.port, "/fields"))
  end)
end)

--- A program of spec/peers that serves; returns its port.
local function node_server()
  local child = tasks.own(assert(io.popen(program.mortal({ "node", "spec/peers/server.mjs" }))))
  return tonumber(assert(child:ReadLine()))
end

local function new_client(options)
  return tasks.own(http.client(options or {}))
end

describe("the client", function()
  when(has_node, "speaks with node", function()
    local port, client = node_server(), new_client()
    assert.are.equal("hello", assert(client:Get(url_of(port, "/hello"))):Body())
    local body = net.pattern(1000000)
    local echoed = assert(client:Post(url_of(port, "/echo"), { body = body }))
    net.assert_same_bytes(body, echoed:Body())
    local chunked = assert(client:Get(url_of(port, "/chunks"), { stream = true }))
    assert.are.equal(80 + 1, #chunked:Body())
    assert.are.same({ { "X-Sum", "55" } }, chunked:Trailers())
    assert.are.equal("late", assert(client:Get(url_of(port, "/early"))):Body())
    assert.are.equal("hello", assert(client:Get(url_of(port, "/redirect"))):Body())
    assert.are.equal(404, assert(client:Get(url_of(port, "/x"))).status)
    assert.are.equal("the end is the end", assert(client:Get(url_of(port, "/until-close"))):Body())
  end)

  when(has_node, "asks node before it sends, and hears that it need not", function()
    local port, client = node_server(), new_client()
    local options = { body = net.pattern(1000000), expect = true }
    local answer = assert(client:Post(url_of(port, "/echo"), options))
    net.assert_same_bytes(options.body, answer:Body())
    assert.are.equal(413, assert(client:Post(url_of(port, "/upload-refused"), options)).status)
  end)

  when(has_node, "tells what was cut off from what has ended", function()
    local port, client = node_server(), new_client()
    for _, path in ipairs({ "/short", "/cut" }) do
      local answer, _, code = client:Get(url_of(port, path))
      if answer then
        _, _, code = answer:Body()
      end
      assert.is_truthy(code, path)
    end
    local _, _, code = client:Get(url_of(port, "/silence"), { timeout_ms = 50 })
    assert.are.equal("ETIMEDOUT", code)
    assert.are.equal("hello", assert(client:Get(url_of(port, "/hello"))):Body())
  end)

  when(has_nginx, "speaks with nginx: files, parts of them, what has not changed", function()
    local server = nginx.start(
      "location /no { return 403; }",
      [[
      gzip on; gzip_min_length 1; gzip_proxied any; gzip_types text/plain;
      client_max_body_size 10k;
    ]],
      function(root)
        program.write(root .. "/file.txt", app.FILE)
        program.write(root .. "/large.bin", net.pattern(3000000))
      end
    )
    local client = new_client()
    local function get(path, headers)
      return assert(client:Get(url_of(server.port, path), { headers = headers }))
    end
    local file = get("/file.txt")
    assert.are.equal(app.FILE, file:Body())
    assert.are.equal(304, get("/file.txt", { ["If-None-Match"] = file.headers.etag }).status)
    local plain = { ["Accept-Encoding"] = "identity", Range = "bytes=8-15" }
    local part = get("/file.txt", plain)
    assert.are.equal(206, part.status)
    assert.are.equal("00000002", part:Body())
    net.assert_same_bytes(net.pattern(3000000), get("/large.bin"):Body())
    assert.are.equal(403, get("/no").status)
    local url = url_of(server.port, "/")
    assert.are.equal(413, assert(client:Post(url, { body = ("x"):rep(20000) })).status)
  end)

  when(has_nginx, "reaches our server through nginx", function()
    local port = serve()
    local between = nginx.start(
      [[
      location / {
        proxy_pass http://up;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_request_buffering off;
        proxy_buffering off;
      }
    ]],
      ("client_max_body_size 8m; upstream up { server 127.0.0.1:%d; keepalive 8; }"):format(port)
    )
    local client, base = new_client(), url_of(between.port)
    local body = net.pattern(1000000)
    net.assert_same_bytes(body, assert(client:Post(base .. "/pass", { body = body })):Body())
    assert.are.equal(81, #assert(client:Get(base .. "/chunks")):Body())
    assert.are.equal(3000000, #assert(client:Get(base .. "/large?size=3000000")):Body())
    co.scope(function(scope)
      for i = 1, 20 do
        scope:Spawn(function()
          local answer = assert(client:Get(base .. "/query?name=" .. i))
          assert.are.equal(tostring(i), answer:Body())
        end)
      end
    end)
  end)
end)
