---@meta chuck.decoder

--- How the bytes of a connection become packets.
---@class chuck.decoder
---@field connection chuck.decoder.connection
local decoder = {}

---@class chuck.decoder.connection
---@field rawpacket chuck.Decoder # whatever arrives
local connection = {}

--- Frames of at most `max` bytes, header included.
---@param max integer # at least 1
---@param bits? 16 | 32 # width of the header, default 16
---@return chuck.Decoder
function connection.rpacket(max, bits) end

--- A recipe without a state: one value serves any number of connections.
---@class chuck.Decoder
---@overload fun(): chuck.Decoder
local Decoder = {}

return decoder, connection, Decoder
