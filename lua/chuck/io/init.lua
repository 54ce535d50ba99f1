--- Sockets for tasks: calls that wait without blocking the loop.
---
---     co.run(function()
---       local stream = assert(io.connect("example.org:80"))
---       stream:Write("GET / HTTP/1.0\r\n\r\n")
---       print(stream:ReadLine())
---     end)

local check = require("chuck.support.check")
local stream = require("chuck.io.stream")

local OPTIONS = {
  high_water = "positive integer",
  read_ahead = "positive integer",
  send_limit = "positive integer",
}

--- A stream around a connection that is in no engine yet.
local function new(conn, options)
  check.type("stream", 1, conn, "connection")
  check.options("stream", 2, options, OPTIONS)
  return stream.new(conn, nil, options)
end

return {
  connect = require("chuck.io.connect"),
  listen = require("chuck.io.listen"),
  stream = new,
}
