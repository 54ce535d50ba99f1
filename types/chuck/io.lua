---@meta chuck.io

--- Sockets, names and programs for tasks.
---@class chuck.io
local io = {}

--- How much a stream keeps.
---@class chuck.StreamOptions
---@field read_ahead? integer # bytes received and not read when reading pauses, 65536
---@field high_water? integer # bytes queued when writers park, 1048576
---@field send_limit? integer # bytes queued at most, 67108864
---@field recvbuf? integer # the largest piece read at a time, 65536
---@field decoder? chuck.Decoder # a stream of packets

--- Of `io.connect`.
---@class chuck.ConnectOptions: chuck.StreamOptions
---@field timeout_ms? number # 30000; 0 has no limit
---@field family? "inet"|"inet6"
---@field addresses? string[]
---@field attempt_delay_ms? integer

--- Of `io.listen`.
---@class chuck.ServerOptions: chuck.StreamOptions
---@field max_connections? integer
---@field linger_ms? number # 10000
---@field on_error? fun(err: any, traceback: string, peer: string?)
---@field on_accept_error? fun(message: string, code: string)
---@field backlog? integer
---@field reuse_port? boolean
---@field mode? integer|string
---@field fd? integer

--- Of `io.datagram`.
---@class chuck.SocketOptions
---@field family? "inet"|"inet6"|"unix"
---@field decoder? chuck.Decoder
---@field recvbuf? integer
---@field read_ahead? integer
---@field on_error? fun(address: string, message: string, code: string)
---@field reuse_port? boolean

--- Connects to a name or an address.
---@async
---@param addr string
---@param options? chuck.ConnectOptions
---@return chuck.Stream? stream
---@return string? message
---@return string? code
function io.connect(addr, options) end

--- Runs `handler(stream, peer)` in a task for every connection.
---@async
---@param addr string
---@param handler fun(stream: chuck.Stream, peer: string?)
---@param options? chuck.ServerOptions
---@return chuck.Server? server
---@return string? message
---@return string? code
function io.listen(addr, handler, options) end

--- A stream around a connection that is in no engine yet.
---@param conn chuck.Connection
---@param options? chuck.StreamOptions
---@return chuck.Stream? stream
---@return string? message
---@return string? code
function io.stream(conn, options) end

--- The addresses of a host.
---@async
---@param host string
---@param options? { family?: "inet"|"inet6", timeout_ms?: number, cache?: boolean }
---@return string[]? addresses
---@return string? message
---@return string? code
function io.resolve(host, options) end

--- A datagram socket.
---@param addr? string
---@param options? chuck.SocketOptions
---@return chuck.Socket? socket
---@return string? message
---@return string? code
function io.datagram(addr, options) end

--- Starts a program: its name and arguments, or a line for the shell.
---@async
---@param command string|string[]
---@param options? table # those of `process.spawn`, of streams, and `kill_ms`
---@return chuck.Program? program
---@return string? message
---@return string? code
function io.popen(command, options) end

--- What `io.listen` returns.
---@class chuck.Server
local Server = {}

--- Stops listening; with a grace, waits for handlers and cancels those that are left.
---@async
---@param grace_ms? number
function Server:Close(grace_ms) end

--- The address, with the port that the kernel chose.
---@return string? address
---@return string? message
---@return string? code
function Server:GetSockAddr() end

--- How many of its connections are open.
---@return integer count
function Server:Connections() end

--- What `io.datagram` returns.
---@class chuck.Socket
local Socket = {}

--- The next datagram, and its sender.
---@async
---@param timeout_ms? number
---@return string|chuck.RPacket? datagram
---@return string? from # or message
---@return string? code
function Socket:RecvFrom(timeout_ms) end

--- An iterator over datagrams and their senders.
---@param timeout_ms? number
---@return fun(): (string|chuck.RPacket)?, string?
function Socket:Datagrams(timeout_ms) end

--- Sends a datagram to an address.
---@param data string|chuck.WPacket|chuck.RawPacket
---@param address string
---@return true? sent
---@return string? message
---@return string? code
function Socket:SendTo(data, address) end

--- Sends a datagram to the peer of `Connect`.
---@param data string|chuck.WPacket|chuck.RawPacket
---@return true? sent
---@return string? message
---@return string? code
function Socket:Send(data) end

--- Names the peer of `Send`, and of all that is received.
---@param address string
---@return true? done
---@return string? message
---@return string? code
function Socket:Connect(address) end

--- Hears what is sent to a multicast address.
---@param group string
---@param interface? string|integer
---@return true? done
---@return string? message
---@return string? code
function Socket:JoinGroup(group, interface) end

--- Hears it no more.
---@param group string
---@param interface? string|integer
---@return true? done
---@return string? message
---@return string? code
function Socket:LeaveGroup(group, interface) end

--- Allows broadcast addresses.
---@param on boolean|number
---@return true? done
---@return string? message
---@return string? code
function Socket:SetBroadcast(on) end

--- Where what is sent to groups leaves.
---@param interface? string|integer
---@return true? done
---@return string? message
---@return string? code
function Socket:SetMulticastInterface(interface) end

--- Whether this machine hears what it sends to groups.
---@param on boolean|number
---@return true? done
---@return string? message
---@return string? code
function Socket:SetMulticastLoop(on) end

--- How many routers what is sent to groups passes.
---@param n integer
---@return true? done
---@return string? message
---@return string? code
function Socket:SetMulticastTtl(n) end

--- How many routers everything else passes.
---@param n integer
---@return true? done
---@return string? message
---@return string? code
function Socket:SetTtl(n) end

--- Closes it: who receives is told `"ESOCKCLOSE"`.
function Socket:Close() end

--- Whether it was closed.
---@return boolean closed
function Socket:IsClosed() end

--- The address of this side.
---@return string? address
---@return string? message
---@return string? code
function Socket:GetSockAddr() end

--- The address of the peer of `Connect`.
---@return string? address
---@return string? message
---@return string? code
function Socket:GetPeerAddr() end

--- Counts since it was made.
---@return chuck.DatagramStats stats
function Socket:Stats() end
