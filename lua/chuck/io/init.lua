--- Sockets for tasks: calls that wait without blocking the loop.
---
---     co.run(function()
---       local stream = assert(io.connect("example.org:80"))
---       stream:Write("GET / HTTP/1.0\r\n\r\n")
---       print(stream:ReadLine())
---     end)

local check = require("chuck.support.check")
local stream = require("chuck.io.stream")

require("chuck.io.bytes")
require("chuck.io.write")

--- A stream around a connection that is in no engine yet.
local function new(conn, options)
  check.type("stream", 1, conn, "connection")
  check.options("stream", 2, options, stream.OPTIONS)
  stream.check_options("stream", 2, options or {})
  stream.engine_for("stream")
  return stream.new(conn, nil, options)
end

return {
  connect = require("chuck.io.connect"),
  datagram = require("chuck.io.datagram"),
  listen = require("chuck.io.listen"),
  popen = require("chuck.io.popen"),
  resolve = require("chuck.io.resolve"),
  stream = new,
}
