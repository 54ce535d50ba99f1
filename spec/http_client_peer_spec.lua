--- Requests to servers that we did not write: those of node and of Python.
local chuck = require("chuck")
local hand = require("spec.helper.http_hand")
local net = require("spec.helper.net")
local tasks = require("spec.helper.tasks")

local co, http, io_ = chuck.co, chuck.http, chuck.io

local function has(program)
  local result = os.execute("command -v " .. program .. " >/dev/null 2>&1")
  return result == true or result == 0
end

--- Starts a server: its URL. It says its port first, and ends with the spec.
local function start(...)
  local program = assert(io_.popen({ ... }))
  tasks.own({
    Close = function()
      program:Kill()
      program:Close(0)
    end,
  })
  return "http://127.0.0.1:" .. assert(program:ReadLine(100, 15000)) .. "/"
end

local function node()
  return start("node", "spec/helper/http_server.js")
end

local function python(version)
  return start("python3", "spec/helper/http_server.py", version)
end

local function when(program, name, body)
  if has(program) then
    it(name, tasks.spec(body))
  else
    pending(name .. ", where there is " .. program)
  end
end

describe("a server of node", function()
  when("node", "is asked for everything that a client can ask for", function()
    local client = hand.client({ base_url = node(), jar = true })
    local text = ("hello world "):rep(20000)
    for _, coding in ipairs({ "gzip", "deflate", "br" }) do
      net.assert_same_bytes(text, assert(client:Get(coding)):Body())
    end
    assert.are.equal("DELETE /x?y=1", assert(client:Delete("x", { query = { y = 1 } })):Body())
    assert.are.same({ { "X-Sum", "7" } }, assert(client:Get("trailers")):Trailers())
    assert.are.equal(1, client:Stats().opened)

    local sent, size = 0, 2000000
    local piece = net.pattern(50000)
    local response = assert(client:Post("echo", {
      body = function()
        if sent < size then
          sent = sent + #piece
          return piece
        end
      end,
    }))
    net.assert_same_bytes(piece:rep(size / #piece), response:Body())
    net.assert_same_bytes(text, assert(client:Put("echo", { body = text })):Body())
    local form = { { name = "a", value = "1" }, { name = "f", filename = "x", content = text } }
    assert.are.equal("4", assert(client:Post("form", { multipart = form })):Body())
    response = assert(client:Post("refuse", { body = ("x"):rep(3000000) }))
    assert.are.same({ 413, "no" }, { response.status, response:Body() })

    assert.are.equal("none", assert(client:Get("cookies")):Body())
    assert.are.equal("a=1; b=2", assert(client:Get("cookies")):Body())
  end)

  when("node", "sends events, again and again", function()
    local url = node() .. "events"
    local source = tasks.own(http.event_source(url))
    assert.are.same({ event = "message", data = "first ", id = "1" }, source:Next(10000))
    assert.are.same({ event = "message", data = "first 1", id = "1" }, source:Next(10000))
  end)

  when("node", "serves many tasks by few connections", function()
    local client = hand.client({ base_url = node(), max_connections = 4 })
    local seen = 0
    co.scope(function(scope)
      for i = 1, 200 do
        scope:Spawn(function()
          assert.are.equal("GET /" .. i, assert(client:Get(tostring(i))):Body())
          seen = seen + 1
        end)
      end
    end)
    assert.are.equal(200, seen)
    assert(client:Stats().opened <= 4)
  end)
end)

describe("a server of Python", function()
  for _, version in ipairs({ "HTTP/1.0", "HTTP/1.1" }) do
    when("python3", "that speaks " .. version .. " gives files", function()
      local client = hand.client({ base_url = python(version) })
      local file = assert(io.open("LICENSE", "rb"))
      local text = file:read("*a")
      file:close()
      for _ = 1, 3 do
        local response = assert(client:Get("LICENSE"))
        assert.are.equal(200, response.status)
        net.assert_same_bytes(text, response:Body())
      end
      assert.are.equal(404, assert(client:Get("no/such")).status)
      assert.are.equal(501, assert(client:Post("LICENSE", { body = "x" })).status)
      local response = assert(client:Head("LICENSE"))
      assert.are.equal(tostring(#text), response.headers["Content-Length"])
      response = assert(client:Get("docs/api"))
      assert.are.same({ 200, 301 }, { response.status, response.history[1].status })
    end)
  end
end)

describe("a server of ours", function()
  it(
    "is asked by our client",
    tasks.spec(function()
      local server = tasks.own(assert(http.serve("127.0.0.1:0", function(req, res)
        if req.path == "/echo" then
          res:Text(assert(req:Body()))
        else
          res:Set("X-Method", req.method):Text(req.query.name or "nobody")
        end
      end)))
      local client = hand.client({ base_url = "http://" .. server:GetSockAddr() })
      assert.are.equal("me", assert(client:Get("/", { query = { name = "me" } })):Body())
      assert.are.equal("", assert(client:Head("/")):Body())
      local text = net.pattern(3000000)
      net.assert_same_bytes(text, assert(client:Post("/echo", { body = text })):Body())
      local n = 0
      local response = assert(client:Post("/echo", {
        body = function()
          n = n + 1
          return n <= 10 and ("x"):rep(1000) or nil
        end,
      }))
      assert.are.equal(10000, #response:Body())
      assert.are.equal(1, client:Stats().opened)
    end)
  )
end)
