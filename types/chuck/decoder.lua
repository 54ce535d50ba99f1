---@meta chuck.decoder

--- How the bytes of a connection, and datagrams, become packets.
---@class chuck.decoder
---@field connection chuck.decoder.connection
---@field datagram chuck.decoder.datagram
local decoder = {}

---@class chuck.decoder.connection
---@field rawpacket chuck.Decoder # whatever arrives
local connection = {}

--- Frames of at most `max` bytes, header included.
---@param max integer # at least 1
---@param bits? 16 | 32 # width of the header, default 16
---@return chuck.Decoder
function connection.rpacket(max, bits) end

--- Whole messages of HTTP/1.0 and 1.1, requests and responses, as packets.
---@param max integer # bytes of head and body together; with `max_body`, of the head
---@param max_body? integer # bytes of a body
---@return chuck.Decoder
function connection.http(max, max_body) end

--- Limits of replies of Redis.
---@class chuck.RepliesOptions
---@field message? integer # bytes of one reply at most, default 512 MiB
---@field depth? integer # levels of nesting, 1 to 128, default 64
---@field elements? integer # values in one reply, in all its levels together, default 16777216

--- Replies of Redis, RESP2 and RESP3, as Lua values.
---@param options? chuck.RepliesOptions
---@return chuck.Decoder
function connection.redis(options) end

---@class chuck.decoder.datagram
---@field rawpacket chuck.Decoder # any datagram; called with a number, any of at most so many bytes
local datagram = {}

--- Exactly one frame of at most `max` bytes, header included; anything else is dropped.
---@param max integer # at least 1
---@param bits? 16 | 32 # width of the header, default 16
---@return chuck.Decoder
function datagram.rpacket(max, bits) end

--- A recipe without a state: one value serves any number of connections.
---@class chuck.Decoder
---@overload fun(max?: integer): chuck.Decoder
local Decoder = {}

return decoder, connection, datagram, Decoder
