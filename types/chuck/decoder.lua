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
