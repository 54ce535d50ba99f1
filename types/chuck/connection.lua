---@meta chuck.connection

--- Makes connections: `chuck.connection(fd, recvbuf, decoder)`.
---@class chuck.connection
---@overload fun(fd: integer, recvbuf: integer, decoder?: chuck.Decoder): chuck.Connection?, string?, string?
local connection = {}

--- Takes over a connected socket.
---@param fd integer
---@param recvbuf integer # the largest rawpacket that is delivered, in bytes
---@param decoder? chuck.Decoder # default `decoder.connection.rawpacket`
---@return chuck.Connection? conn
---@return string? message
---@return string? code # `"EBADF"`
function connection.connection(fd, recvbuf, decoder) end

--- Called with a packet and 0, or with nil and: 0 at the peer's end, an errno, 152 to 155.
---@alias chuck.OnPacket fun(conn: chuck.Connection, packet: chuck.RPacket | chuck.RawPacket | nil, err: integer)

---@class chuck.Connection
local Connection = {}

--- Registers with an engine and starts reading.
---@param engine chuck.Engine
---@param on_packet chuck.OnPacket
---@return boolean registered
---@return string? message
---@return string? code
function Connection:Add2Engine(engine, on_packet) end

--- Takes the connection off its engine; nothing is closed.
function Connection:RemoveEngine() end

--- Queues a packet. 0, or -140 closed, -145 an rpacket, -105 over the hard limit.
---@param packet chuck.Sendable
---@param on_send_finish? fun(conn: chuck.Connection)
---@return integer result
function Connection:Send(packet, on_send_finish) end

--- Closes now; with a delay, after what is queued has left and the peer has ended.
---@param delay_ms? number
function Connection:Close(delay_ms) end

--- Reports ERVTIMEOUT when nothing arrives for so long; 0 turns it off.
---@param ms number
function Connection:SetRecvTimeout(ms) end

--- Reports ESNTIMEOUT when something is queued and nothing leaves for so long; 0 turns it off.
---@param ms number
function Connection:SetSendTimeout(ms) end

---@return string? address # `"127.0.0.1:80"`, `"[::1]:80"`, `"unix:/path"`
---@return string? message
---@return string? code
function Connection:GetPeerAddr() end

---@return string? address # `"127.0.0.1:80"`, `"[::1]:80"`, `"unix:/path"`
---@return string? message
---@return string? code
function Connection:GetSockAddr() end

---@param on boolean | number # default on
---@return integer result # 0 or -errno
function Connection:SetNoDelay(on) end

--- Stops reading; packets wait.
function Connection:PauseRead() end

--- Goes on reading.
function Connection:ResumeRead() end

--- Tells the peer, after what is queued, that nothing more will come.
function Connection:ShutdownWrite() end

--- Bytes that the kernel has not taken yet.
---@return integer
function Connection:QueuedBytes() end

--- `on_drain` is called when the queue has fallen from `bytes` to half of that.
---@param bytes integer # default 1 MiB
---@param on_drain? fun(conn: chuck.Connection)
---@param limit? integer # hard limit, default 64 MiB
function Connection:SetHighWater(bytes, on_drain, limit) end

--- Whether sending goes on after the peer has ended its side, until this side ends too.
---@param on boolean|number
function Connection:SetHalfOpen(on) end

return connection
