---@meta chuck.rpc

--- Servers: a peer for every connection.
---@class chuck.rpc
local rpc = {}

--- Of `rpc.serve`, beside those of `rpc.config` but `services`.
---@class chuck.RpcServeOptions: chuck.RpcOptions
---@field max_connections? integer # 10000
---@field hello_ms? number # 5000
---@field on_connect? fun(peer: chuck.RpcPeer)
---@field on_disconnect? fun(peer: chuck.RpcPeer, message: string, code: string)
---@field on_accept_error? fun(message: string, code: string)
---@field backlog? integer
---@field reuse_port? boolean
---@field mode? integer|string
---@field fd? integer

--- Listens and offers services to whoever comes.
---@async
---@param addr string
---@param services table|chuck.RpcServices
---@param options? chuck.RpcServeOptions
---@return chuck.RpcServer? server
---@return string? message
---@return string? code
function rpc.serve(addr, services, options) end

--- What `rpc.serve` returns.
---@class chuck.RpcServer
local Server = {}

--- Ends the server. Calls under way are answered, for up to `grace_ms`.
---@async
---@param grace_ms? number # 0
function Server:Close(grace_ms) end

--- Whether it was closed, or has ended with its scope.
---@return boolean
function Server:IsClosed() end

--- The address, with the port that the kernel chose.
---@return string? address
---@return string? message
---@return string? code # `"ESOCKCLOSE"`
function Server:GetSockAddr() end

--- Offers another service, to those who are here as well.
---@param name string|table
---@param fn? function
---@param options? { stream?: boolean }
function Server:Register(name, fn, options) end

--- The peers that have said hello.
---@return chuck.RpcPeer[] peers
function Server:Peers() end

--- How many connections are open.
---@return integer count
function Server:Connections() end

--- Notifies everybody who is here.
---@param name string
---@param ... any
---@return integer reached
---@return integer missed # they do not read, or take no message of this size
function Server:Broadcast(name, ...) end
