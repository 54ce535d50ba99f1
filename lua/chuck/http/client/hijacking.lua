--- A connection that a server goes on with in another protocol: taken from the client.

local native = require("chuck.native")
local stream = require("chuck.io.stream")

-- The methods of streams, whoever else uses them.
require("chuck.io.bytes")
require("chuck.io.write")

local hijacking = {}

--- What `Hijack` takes: a decoder for what comes from then on, and options of a stream.
hijacking.OPTIONS = { decoder = "decoder" }
for name, kind in pairs(stream.OPTIONS) do
  hijacking.OPTIONS[name] = kind
end

--- The connection of a turn as a stream; or `nil, why, code`.
function hijacking.take(turn, body, options)
  local link = turn.link
  if not link then
    return nil, "the connection is closed, or was taken already", "ESOCKCLOSE"
  end
  local decoder = options and options.decoder
  body.is_over = true
  turn.link = false
  local peer = link.route.address
  local conn = link:Release()
  native.http.switch(conn, decoder or native.decoder.connection.rawpacket)
  return stream.new(conn, peer, options, stream.kind_of(decoder))
end

return hijacking
