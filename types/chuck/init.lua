---@meta chuck

--- A network toolkit for Lua: connections, packets, timers and signals on one event loop.
---@class chuck
---@field packet chuck.packet
---@field decoder chuck.decoder
---@field connection chuck.connection
---@field datagram chuck.datagram
---@field connector chuck.connector
---@field acceptor chuck.acceptor
---@field socket_helper chuck.socket_helper
---@field engine chuck.engine
---@field TimingWheel chuck.TimingWheel
---@field signal chuck.signal
---@field error chuck.error
---@field log chuck.log
---@field _VERSION string
local chuck = {}

--- Calls `callback` in `ms` milliseconds, and again after the same interval unless its result says
--- otherwise: a positive integer is the new interval, a negative one ends the timer.
---@param engine chuck.Engine
---@param ms number # 0 counts as 1; at most 86399999
---@param callback fun(): integer?
---@return chuck.Timer? timer
---@return string? message
---@return string? code # `"EENGCLOSE"`
function chuck.RegTimer(engine, ms, callback) end

--- Milliseconds of a clock that never goes back, from an origin of its own.
---@return integer ms
function chuck.systick() end

return chuck
