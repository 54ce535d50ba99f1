--- A client: requests side by side, an upload, a download piece by piece, and what goes wrong.
---
---     lua5.4 examples/http_client.lua [URL]
---
--- Without a URL it talks to a server of its own. With one it shows what is there.
local chuck = require("chuck")

local co, http = chuck.co, chuck.http

--- Pieces of the upload, and bytes of the download.
local PIECES, SIZE = 5, 1024 * 1024

--- Says hello, counts what it is sent, and sends much.
local function handle(req, res)
  if req.path == "/upload" then
    res:Text(#assert(req:Body()) .. " bytes")
  elseif req.path == "/download" then
    local piece = ("x"):rep(65536)
    for _ = 1, SIZE / #piece do
      res:Write(piece)
    end
    res:End()
  elseif req.path == "/old" then
    res:Redirect("/hello")
  else
    res:Text("hello from " .. req.path)
  end
end

--- What there is at a URL.
local function show(url)
  local response, message, code = http.get(url, { jar = true })
  if not response then
    print("no answer: " .. message, code)
    return
  end
  print(response.status, response.reason, #response:Body() .. " bytes", response.url)
  for _, field in ipairs(response:Headers()) do
    print("  " .. field[1] .. ": " .. field[2])
  end
end

local function side_by_side(client)
  local began = co.now()
  co.scope(function(scope)
    for i = 1, 20 do
      scope:Spawn(function()
        assert(client:Get("hello/" .. i))
      end)
    end
  end)
  local stats = client:Stats()
  print(("20 requests by %d connections in %d ms"):format(stats.opened, co.now() - began))
end

local function upload(client)
  local sent = 0
  local response = assert(client:Post("upload", {
    body = function()
      if sent < PIECES then
        sent = sent + 1
        return ("piece %d\n"):format(sent)
      end
    end,
  }))
  print("uploaded " .. response:Body())
end

local function download(client)
  local response = assert(client:Get("download", { stream = true }))
  local size, pieces = 0, 0
  local piece, message = response:Read()
  while piece do
    size, pieces = size + #piece, pieces + 1
    piece, message = response:Read()
  end
  assert(not message, message)
  print(("downloaded %d bytes"):format(size))
end

co.run(function()
  if arg and arg[1] then
    return show(arg[1])
  end
  local server = assert(http.serve("127.0.0.1:0", handle))
  local client = http.client({
    base_url = "http://" .. server:GetSockAddr() .. "/",
    timeout_ms = 10000,
    max_connections = 4,
  })
  side_by_side(client)
  upload(client)
  download(client)
  local response = assert(client:Get("old"))
  print(response:Body() .. ", after " .. response.history[1].status)
  local _, message, code = client:Get("http://127.0.0.1:1/")
  print(code, message)
  client:Close()
  server:Shutdown(1000)
end)
