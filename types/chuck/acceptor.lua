---@meta chuck.acceptor

--- Makes acceptors: `chuck.acceptor(fd)`.
---@class chuck.acceptor
---@overload fun(fd: integer): chuck.Acceptor?, string?, string?
local acceptor = {}

--- Takes over a listening socket.
---@param fd integer
---@return chuck.Acceptor? acceptor
---@return string? message
---@return string? code # `"EBADF"`
function acceptor.acceptor(fd) end

---@class chuck.Acceptor
local Acceptor = {}

--- Calls `callback(fd, 0)` for every connection, `callback(-1, errno)` when accepting fails.
---@param engine chuck.Engine
---@param callback fun(fd: integer, err: integer)
---@return boolean registered
---@return string? message
---@return string? code
function Acceptor:Add2Engine(engine, callback) end

--- Goes on accepting.
---@return boolean done
---@return string? message
---@return string? code
function Acceptor:Enable() end

--- Stops accepting.
---@return boolean done
---@return string? message
---@return string? code
function Acceptor:Disable() end

--- Accepts nobody while `n` counted connections are open.
---@param n integer # at least 1
function Acceptor:SetLimit(n) end

--- Counts a connection until its socket is closed, also by being collected.
---@param conn chuck.Connection
---@return boolean done
---@return string? message
---@return string? code # `"ESOCKCLOSE"`
function Acceptor:Count(conn) end

--- How many counted connections are open.
---@return integer count
function Acceptor:Counted() end

--- Closes the listening socket.
function Acceptor:Close() end

return acceptor
