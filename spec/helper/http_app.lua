--- What the server of http_peer_spec answers, and the one that a browser asks (`scripts/browser`).
---
---     local server = assert(http.serve("127.0.0.1:0", app.new(folder)))
---
--- `folder` is where `/file` and what is static lie.
local chuck = require("chuck")

local app = {}

--- 3000 bytes in which every place tells where it is.
local LINES = {}
for i = 1, 375 do
  LINES[i] = ("%08d"):format(i)
end
app.FILE = table.concat(LINES)

local PIECE = ("0123456789abcdef"):rep(4096)

local routes = {}

routes["/hello"] = function(_, res)
  res:Text("hello")
end

routes["/json"] = function(_, res)
  res:Json({ name = "chuck", list = { 1, 2, 3 } })
end

routes["/query"] = function(req, res)
  res:Text(req.query.name)
end

routes["/echo"] = function(req, res)
  res:Set("X-Method", req.method):Set("Content-Type", "application/octet-stream")
  res:End(assert(req:Body()))
end

--- The body there and back, piece by piece.
routes["/pass"] = function(req, res)
  local piece = req:Read()
  while piece do
    res:Write(piece)
    piece = req:Read()
  end
end

routes["/form"] = function(req, res)
  local form = assert(req:Form())
  res:Json(form)
end

routes["/multipart"] = function(req, res)
  local sizes = {}
  local reader = assert(req:Multipart())
  local part = reader:Next()
  while part do
    sizes[part.name] = #assert(part:Text(8 * 1024 * 1024))
    part = reader:Next()
  end
  res:Json(sizes)
end

routes["/chunks"] = function(_, res)
  for i = 1, 10 do
    res:Write(("piece %d\n"):format(i))
    chuck.co.yield()
  end
end

routes["/trailers"] = function(_, res)
  res:Trailers({ "X-Sum", "55" }):End("the sum comes behind")
end

routes["/large"] = function(req, res)
  local left = tonumber(req.query.size)
  while left > 0 and res:Write(left < #PIECE and PIECE:sub(1, left) or PIECE) do
    left = left - #PIECE
  end
end

routes["/redirect"] = function(_, res)
  res:Redirect("/hello")
end

routes["/cookies"] = function(_, res)
  res:Cookie("one", "1", { path = "/" }):Cookie("two", "2", { path = "/", http_only = true })
  res:Text("eaten")
end

routes["/cookies/show"] = function(req, res)
  res:Text(("%s and %s"):format(req.cookies.one, req.cookies.two))
end

routes["/twice"] = function(_, res)
  res:Add("X-Twice", "1"):Add("X-Twice", "2"):End()
end

routes["/nothing"] = function(_, res)
  res:Status(204):End()
end

routes["/boom"] = function()
  error("this was to be expected")
end

--- Three events behind the last one that the client has heard.
routes["/events"] = function(req, res)
  local last = tonumber(req.headers["last-event-id"] or 0)
  local events = res:EventStream()
  for i = last + 1, last + 3 do
    events:Send({ id = tostring(i), data = tostring(i), retry = 20 })
  end
  events:Close()
end

routes["/silence"] = function()
  chuck.co.sleep(600000)
end

--- A handler. It counts the connections by which it was asked.
function app.new(folder)
  local known, connections = {}, 0
  return function(req, res)
    if not known[req.remote] then
      known[req.remote], connections = true, connections + 1
    end
    local route = routes[req.path]
    if route then
      return route(req, res)
    elseif req.path == "/connections" then
      res:Text(tostring(connections))
    elseif req.path == "/file" then
      res:File(folder .. "/file.txt")
    elseif req.path == "/fields" then
      local forwarded, host = req.headers["x-forwarded-for"], req.headers.host
      res:Text(("%s for %s"):format(host, forwarded))
    elseif req.path:match("^/page/[%w.]+$") then
      res:File(folder .. req.path)
    else
      res:Status(404):Text("nothing here")
    end
  end
end

return app
