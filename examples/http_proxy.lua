--- A reverse proxy: requests go on to a server behind, bodies piece by piece in both directions.
---
---     lua5.4 examples/http_proxy.lua PORT http://127.0.0.1:8080        curl 127.0.0.1:PORT/
---
--- A side that is slow holds the other one back. Without arguments it stands before a server of its
--- own, and asks that once. Ends on Ctrl-C, or after CHUCK_EXAMPLE_SECONDS.
local chuck = require("chuck")

local co, http = chuck.co, chuck.http

local seconds = tonumber(os.getenv("CHUCK_EXAMPLE_SECONDS") or "86400")

--- Fields that are between two neighbours (RFC 9110, section 7.6.1), or that each side makes.
local OWN = {
  ["connection"] = true,
  ["content-length"] = true,
  ["date"] = true,
  ["host"] = true,
  ["keep-alive"] = true,
  ["proxy-authenticate"] = true,
  ["proxy-authorization"] = true,
  ["proxy-connection"] = true,
  ["te"] = true,
  ["trailer"] = true,
  ["transfer-encoding"] = true,
  ["upgrade"] = true,
}

--- Fields to hand on: not those between neighbours, nor those that "Connection" names.
local function fields_of(message)
  local named = {}
  for name in (message.headers.connection or ""):lower():gmatch("[^,%s]+") do
    named[name] = true
  end
  local list = {}
  for _, field in ipairs(message:Headers()) do
    local name = field[1]:lower()
    if not OWN[name] and not named[name] then
      list[#list + 1] = field
    end
  end
  return list
end

--- Whether a request has a body.
local function has_body(req)
  return req.headers["transfer-encoding"] ~= nil or (req.headers["content-length"] or "0") ~= "0"
end

--- Hands requests on by `client` to `target`, and nowhere else, whatever they ask for.
local function forward(client, target)
  return function(req, res)
    if req.target:sub(1, 1) ~= "/" then
      return res:Status(400):Text("no path")
    end
    local headers = fields_of(req)
    headers[#headers + 1] = { "X-Forwarded-For", (req.remote:gsub(":%d+$", "")) }
    local answer, message, code = client:Request(target .. req.target, {
      method = req.method,
      headers = headers,
      body = has_body(req) and req or nil,
      length = tonumber(req.headers["content-length"]),
      stream = true,
      decode = false,
      redirects = false,
      proxy = false,
    })
    if not answer then
      print("no answer: " .. message)
      return res:Status(code == "ETIMEDOUT" and 504 or 502):Text("no answer")
    end
    res:Status(answer.status, answer.reason)
    for _, field in ipairs(fields_of(answer)) do
      res:Add(field[1], field[2])
    end
    local piece, why = answer:Read()
    while piece and res:Write(piece) do
      piece, why = answer:Read()
    end
    answer:Close()
    if why then
      error("the answer is cut short: " .. why)
    end
    res:End()
  end
end

co.run(function()
  local port, target = arg and arg[1], arg and arg[2]
  local own = not target
    and assert(http.serve("127.0.0.1:0", function(req, res)
      res:Text(("%s with %d bytes"):format(req.path, #assert(req:Body())))
    end))
  target = (target or "http://" .. own:GetSockAddr()):gsub("/+$", "")
  local client = http.client({ max_connections = 64 })
  local proxy = assert(http.serve("127.0.0.1:" .. (port or "0"), forward(client, target)))
  print("forwarding from " .. proxy:GetSockAddr())
  if own then
    local url = "http://" .. proxy:GetSockAddr() .. "/upload?by=proxy"
    local response = assert(http.post(url, { body = ("x"):rep(100000), proxy = false }))
    print(response.status, response:Body())
  end
  co.sleep(seconds * 1000)
  client:Close()
  proxy:Shutdown(1000)
  if own then
    own:Shutdown(1000)
  end
end)
