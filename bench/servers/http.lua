--- chuck: HTTP as most write it, a task for each request.
---
---     lua http.lua [FILE]
---
---     GET /hello      "hello"
---     GET /large      64 KiB
---     GET /file       FILE
---     POST /post      the number of bytes that came

local chuck = require("chuck")

local LARGE = ("hello"):rep(13108):sub(1, 65536)
local path = arg[1]

local answers = {
  ["/hello"] = function(_, res)
    res:Text("hello")
  end,
  ["/large"] = function(_, res)
    res:Text(LARGE)
  end,
  ["/file"] = function(_, res)
    res:File(path)
  end,
  ["/post"] = function(req, res)
    res:Text(tostring(#req:Body()))
  end,
}

local function answer(req, res)
  answers[req.path](req, res)
end

chuck.co.run(function()
  local options = { max_connections = 20000, idle_ms = 3600000, max_requests_per_connection = 0 }
  local server = assert(chuck.http.serve("127.0.0.1:0", answer, options))
  print("listening " .. server:GetSockAddr():match("%d+$"))
  io.stdout:flush()
end)
