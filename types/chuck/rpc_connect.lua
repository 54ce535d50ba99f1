---@meta chuck.rpc

--- Clients: connections that are made again when they break.
---@class chuck.rpc
local rpc = {}

--- Of `rpc.connect` and `rpc.pool`, beside those of `rpc.config`.
---@class chuck.RpcClientOptions: chuck.RpcOptions
---@field services? table|chuck.RpcServices
---@field size? integer # of `rpc.pool`: connections to each address, 1
---@field wait_ms? number # how long a call waits for a connection; no longer than for its answer
---@field retries? integer # 3
---@field connect_ms? number # 5000
---@field hello_ms? number # 5000
---@field backoff_ms? number # 100
---@field backoff_max_ms? number # 5000
---@field on_connect? fun(client: chuck.RpcClient, peer: chuck.RpcPeer)
---@field on_disconnect? fun(client: chuck.RpcClient, message: string, code: string)

--- Keeps a connection to a server.
---@param addr string|chuck.Thread
---@param options? chuck.RpcClientOptions
---@return chuck.RpcClient client
function rpc.connect(addr, options) end

--- Keeps several connections, as if they were one.
---@param addrs string|chuck.Thread|(string|chuck.Thread)[]
---@param options? chuck.RpcClientOptions
---@return chuck.RpcClient client
function rpc.pool(addrs, options) end

--- What `rpc.connect` and `rpc.pool` return.
---@class chuck.RpcClient
local Client = {}

--- Calls a service and waits for its results, and before for a connection; or nil, message, code.
---@async
---@param name string
---@param ... any
---@return any ...
function Client:Call(name, ...) end

--- As `Call`, with options.
---@async
---@param options chuck.RpcCallOptions
---@param name string
---@param ... any
---@return any ...
function Client:CallWith(options, name, ...) end

--- Calls a service, and a function with what `Call` would have returned.
---@param callback fun(...)
---@param name string
---@param ... any
---@return true? started
---@return string? message
---@return string? code
function Client:CallAsync(callback, name, ...) end

--- Calls a service that has no way to answer, if there is a connection now.
---@param name string
---@param ... any
---@return true? sent
---@return string? message
---@return string? code
function Client:Notify(name, ...) end

--- A table whose functions call the services below a name.
---@param name? string
---@return table<string, fun(...): ...> proxy
function Client:Proxy(name) end

--- Calls a service that takes or gives values while it runs; waits for a connection before.
---@async
---@param name string
---@param ... any
---@return chuck.RpcFlow? flow
---@return string? message
---@return string? code
function Client:Open(name, ...) end

--- As `Open`, with a timeout for the whole.
---@async
---@param options chuck.RpcCallOptions
---@param name string
---@param ... any
---@return chuck.RpcFlow? flow
---@return string? message
---@return string? code
function Client:OpenWith(options, name, ...) end

--- Sends a plain packet, if there is a connection now.
---@param packet chuck.WPacket|chuck.RawPacket
---@return true? sent
---@return string? message
---@return string? code
function Client:SendPacket(packet) end

--- Offers a function to the other side, over every connection.
---@param name string|table
---@param fn? function
---@param options? { stream?: boolean }
function Client:Register(name, fn, options) end

--- Waits for a connection.
---@async
---@param timeout_ms? number
---@return true? ready
---@return string? message
---@return string? code
function Client:Ready(timeout_ms) end

--- The peers that are up.
---@return chuck.RpcPeer[] peers
function Client:Peers() end

--- Calls that wait for an answer, tasks that serve calls, and tasks that wait for a connection.
---@return integer calls
---@return integer served
---@return integer waiting
function Client:InFlight() end

--- Ends every connection, and makes no more.
function Client:Close() end

--- Whether it will never connect again.
---@return boolean
function Client:IsClosed() end
