---@meta chuck.connector

--- Makes connectors: `chuck.connector(fd, timeout_ms)`.
---@class chuck.connector
---@overload fun(fd: integer, timeout_ms?: number): chuck.Connector?, string?, string?
local connector = {}

--- Takes over a socket whose connect is in progress.
---@param fd integer
---@param timeout_ms? number # default: the kernel's
---@return chuck.Connector? connector
---@return string? message
---@return string? code # `"EBADF"`
function connector.connector(fd, timeout_ms) end

---@class chuck.Connector
local Connector = {}

--- Calls `callback(fd, 0)` or `callback(-1, errno)`, exactly once.
---@param engine chuck.Engine
---@param callback fun(fd: integer, err: integer)
---@return boolean registered
---@return string? message
---@return string? code
function Connector:Add2Engine(engine, callback) end

--- Gives up; the callback is not called.
function Connector:Close() end

return connector
