-- A reverse proxy: what comes is asked for elsewhere, and what is answered there goes back, piece by
-- piece in both directions, so that nothing is held as a whole.
--
--     lua examples/http_proxy.lua 127.0.0.1:8080 http://127.0.0.1:9000
--
-- Without addresses it stands in front of a server of its own, asks through itself, and ends.
local chuck = require("chuck")
local co, http = chuck.co, chuck.http

--- Fields that are said to the neighbour only (RFC 9110, 7.6.1), and those that the client makes.
local NOT_FORWARDED = {}
for name in
  ([[
  connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer
  transfer-encoding upgrade content-length host expect
]]):gmatch("%S+")
do
  NOT_FORWARDED[name] = true
end

--- The fields that are forwarded, but for those that `Connection` names.
local function forwarded(fields, connection)
  local named, list = {}, {}
  for name in (connection or ""):lower():gmatch("[^%s,]+") do
    named[name] = true
  end
  for _, field in ipairs(fields) do
    local name = field[1]:lower()
    if not NOT_FORWARDED[name] and not named[name] then
      list[#list + 1] = field
    end
  end
  return list
end

--- A handler that asks at `origin`.
local function proxy(origin)
  local client = http.client({ base_url = origin, redirects = false, decode = false })
  return function(req, res)
    local headers = forwarded(req:Headers(), req.headers.connection)
    headers[#headers + 1] = { "X-Forwarded-For", req.ip }
    local has_body = req.headers["content-length"] or req.headers["transfer-encoding"]
    local answer, message = client:Request(req.target, {
      method = req.method,
      headers = headers,
      body = has_body and function()
        return req:Read()
      end or nil,
      stream = true,
    })
    if not answer then
      error(http.error(502, message))
    end
    res:Status(answer.status, answer.reason)
    for _, field in ipairs(forwarded(answer:Headers(), answer:Header("connection"))) do
      res:Add(field[1], field[2])
    end
    for piece in answer:Chunks() do
      if not res:Write(piece) then
        break
      end
    end
    answer:Close()
  end
end

--- A server to stand in front of.
local function origin()
  local server = assert(http.serve("127.0.0.1:0", function(req, res)
    local body = assert(req:Body())
    res:Set("X-Origin", "yes"):Text(
      ("%s %s for %s: %d bytes"):format(
        req.method,
        req.target,
        req.headers["x-forwarded-for"],
        #body
      )
    )
  end))
  return server, "http://" .. server:GetSockAddr()
end

co.run(function()
  local behind, url = nil, arg[2]
  if not url then
    behind, url = origin()
  end
  local front = assert(http.serve(arg[1] or "127.0.0.1:0", proxy(url)))
  print(("http://%s stands in front of %s"):format(front:GetSockAddr(), url))
  if arg[1] then
    -- Ctrl-C ends it.
    return
  end
  local there = "http://" .. front:GetSockAddr() .. "/a?b=c"
  for _, options in ipairs({ {}, { method = "PUT", body = ("x"):rep(300000) } }) do
    local answer = assert(http.request(there, options))
    print(answer.status, answer:Header("X-Origin"), answer:Body())
  end
  front:Shutdown(1000)
  behind:Shutdown(1000)
end)
