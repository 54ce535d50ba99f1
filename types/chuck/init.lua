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
---@field process chuck.process
---@field daemon chuck.daemon
---@field error chuck.error
---@field log chuck.log
---@field resolver chuck.resolver
---@field cthread chuck.cthread
---@field co chuck.co
---@field io chuck.io
---@field json chuck.json
---@field rpc chuck.rpc
---@field redis chuck.redis
---@field http chuck.http
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

--- Listens at an address and calls `callback(conn, peer)` for every connection, which is not in an
--- engine yet. `peer` is nil when it is gone already.
---@param engine chuck.Engine
---@param addr string # `"127.0.0.1:80"`, `"[::1]:80"`, `":80"`, `"localhost:80"`, `"unix:/path"`
---@param callback fun(conn: chuck.Connection, peer?: string)
---@param options? { recvbuf?: integer, decoder?: chuck.Decoder, backlog?: integer, reuse_port?: boolean, max_connections?: integer, mode?: string|integer, fd?: integer, on_error?: fun(message: string, code: string) }
---@return chuck.Listener? listener
---@return string? message
---@return string? code
function chuck.listen(engine, addr, callback, options) end

--- Connects and calls `callback(conn)` or `callback(nil, message, code)`, exactly once and never
--- before this has returned.
---@param engine chuck.Engine
---@param addr string # `"example.org:80"`, `"127.0.0.1:80"`, `"[::1]:80"`, `":80"`, `"unix:/path"`
---@param timeout_ms number # for everything, the name included; 0: none
---@param callback fun(conn?: chuck.Connection, message?: string, code?: string)
---@param options? { recvbuf?: integer, decoder?: chuck.Decoder, family?: "inet" | "inet6", attempt_delay_ms?: integer, addresses?: string[] }
---@return chuck.Dial? dial
---@return string? message
---@return string? code # `"EENGCLOSE"`, `"EMFILE"`
function chuck.dial(engine, addr, timeout_ms, callback, options) end

return chuck
