---@meta chuck.rpc

--- Calls of functions in another process.
---@class chuck.rpc
---@field errors table<string, string> # codes and what they mean
---@field limits table<string, number> # limits and defaults
---@field VERSION integer # of the default wire
local rpc = {}

--- Of `rpc.config` and `rpc.peer`.
---@class chuck.RpcOptions
---@field services? chuck.RpcServices|table
---@field timeout_ms? number # 30000
---@field heartbeat_ms? number # 10000; 0: never
---@field message? integer # the largest message in bytes, 4194304
---@field calls? integer # under way, each way, 16384
---@field window? integer # values of a stream that are kept, 64
---@field packets? integer # plain packets that wait, 1024
---@field stall_ms? number # 10000
---@field linger_ms? number # 1000
---@field tracebacks? boolean # false
---@field on_call? fun(peer: chuck.RpcPeer, name: string, info: table): (fun(...)|nil)
---@field on_serve? fun(peer: chuck.RpcPeer, name: string, info: table): (fun(...)|false|nil), string?
---@field on_packet? fun(peer: chuck.RpcPeer, packet: chuck.RPacket)
---@field on_close? fun(peer: chuck.RpcPeer, message: string, code: string)
---@field on_error? fun(peer: chuck.RpcPeer, name: string, err: any, traceback: string)
---@field encoder? fun(data: any): chuck.WPacket|chuck.RawPacket
---@field decoder? fun(packet: any): any
---@field serializer? fun(data: table): any
---@field unserializer? fun(data: any): table
---@field framing? chuck.Decoder

--- Of `CallWith` and `OpenWith`.
---@class chuck.RpcCallOptions
---@field timeout_ms? number
---@field idempotent? boolean

--- A peer at the end of a stream of packets.
---@param stream chuck.Stream
---@param options? chuck.RpcOptions|chuck.RpcConfig
---@return chuck.RpcPeer peer
function rpc.peer(stream, options) end

--- The decoder for streams of peers.
---@param config? chuck.RpcConfig
---@return chuck.Decoder decoder
function rpc.framing(config) end

--- A configuration, for any number of peers.
---@param options? chuck.RpcOptions
---@return chuck.RpcConfig config
function rpc.config(options) end

--- A configuration whose messages are MessagePack.
---@param options? chuck.RpcOptions
---@return chuck.RpcConfig config
function rpc.msgpack(options) end

--- A configuration whose messages are JSON.
---@param options? chuck.RpcOptions
---@return chuck.RpcConfig config
function rpc.json(options) end

--- Services that many peers share.
---@param list? table
---@return chuck.RpcServices services
function rpc.services(list) end

--- The peer whose call is being served.
---@return chuck.RpcPeer? peer
function rpc.caller() end

--- The W3C `traceparent` of what the current task does.
---@return string? text
function rpc.traceparent() end

--- Gives what the current task does a `traceparent`; nil takes it away.
---@param text? string
function rpc.set_traceparent(text) end

--- A new `traceparent`: of a new trace, or with a new parent id in that of `parent`.
---@param parent? string
---@return string text
function rpc.new_traceparent(parent) end

--- What `rpc.config` makes.
---@class chuck.RpcConfig
local Config = {}

--- What `rpc.services` makes.
---@class chuck.RpcServices
local Services = {}

--- Offers a function under a name, or a table of functions.
---@param name string|table
---@param fn? function
---@param options? { stream?: boolean }
function Services:Register(name, fn, options) end

--- One end of a connection.
---@class chuck.RpcPeer
local Peer = {}

--- Offers a function under a name, or a table of functions.
---@param name string|table
---@param fn? function
---@param options? { stream?: boolean }
function Peer:Register(name, fn, options) end

--- Calls a service and waits for its results; or nil, message, code.
---@async
---@param name string
---@return any ...
function Peer:Call(name, ...) end

--- As `Call`, with options.
---@async
---@param options chuck.RpcCallOptions
---@param name string
---@return any ...
function Peer:CallWith(options, name, ...) end

--- Calls a service, and a function with what `Call` would have returned.
---@param callback fun(...)
---@param name string
---@return true? started
---@return string? message
---@return string? code
function Peer:CallAsync(callback, name, ...) end

--- Calls a service that has no way to answer.
---@param name string
---@return true? sent
---@return string? message
---@return string? code
function Peer:Notify(name, ...) end

--- A table whose functions call the services below a name.
---@param name? string
---@return table<string, fun(...): ...> proxy
function Peer:Proxy(name) end

--- Calls a service that takes or gives values while it runs.
---@param name string
---@return chuck.RpcFlow? flow
---@return string? message
---@return string? code
function Peer:Open(name, ...) end

--- As `Open`, with a timeout for the whole.
---@param options chuck.RpcCallOptions
---@param name string
---@return chuck.RpcFlow? flow
---@return string? message
---@return string? code
function Peer:OpenWith(options, name, ...) end

--- Sends a plain packet.
---@param packet chuck.WPacket|chuck.RawPacket
---@return true? sent
---@return string? message
---@return string? code
function Peer:SendPacket(packet) end

--- Calls that wait for an answer, and tasks that serve calls.
---@return integer calls
---@return integer served
function Peer:InFlight() end

--- Waits until the other side has said hello.
---@async
---@param timeout_ms? number
---@return true? ready
---@return string? message
---@return string? code
function Peer:Ready(timeout_ms) end

--- Ends the connection.
function Peer:Close() end

--- Whether the connection has ended.
---@return boolean
function Peer:IsClosed() end

--- Takes no more calls, waits until those that are served are answered, and closes.
---@async
---@param timeout_ms number
---@return true? drained
---@return string? message
---@return string? code # `"ETIMEDOUT"`
function Peer:Drain(timeout_ms) end

--- Waits until the connection has ended: true, and why.
---@async
---@param timeout_ms? number
---@return true? ended
---@return string message
---@return string code
function Peer:Wait(timeout_ms) end

--- A stream of values: a call that goes on.
---@class chuck.RpcFlow
local Flow = {}

--- Sends a value; waits while the other side is not ready for one.
---@async
---@param value any
---@param timeout_ms? number
---@return true? sent
---@return string? message
---@return string? code
function Flow:Send(value, timeout_ms) end

--- Takes the next value; waits while there is none.
---@async
---@param timeout_ms? number
---@return any value
---@return string? message
---@return string? code # `"EOF"`
function Flow:Recv(timeout_ms) end

--- Iterates over the values until there are no more.
---@return fun(): any
function Flow:Values() end

--- No more values will be sent.
function Flow:CloseSend() end

--- Waits for the end of the service and returns its results; or nil, message, code.
---@async
---@param timeout_ms? number
---@return any ...
function Flow:Result(timeout_ms) end

--- Gives up.
function Flow:Close() end

--- Whether the call is over.
---@return boolean
function Flow:IsClosed() end
