---@meta chuck.datagram

--- Makes datagram sockets: `chuck.datagram(fd, recvbuf, decoder)`.
---@class chuck.datagram
---@overload fun(fd: integer, recvbuf: integer, decoder?: chuck.Decoder): chuck.Datagram?, string?, string?
local datagram = {}

--- Takes over a datagram socket.
---@param fd integer
---@param recvbuf integer # the largest datagram that is received, in bytes
---@param decoder? chuck.Decoder # default `decoder.datagram.rawpacket`
---@return chuck.Datagram? dgram
---@return string? message
---@return string? code # `"EBADF"`, `"EINVISOKTYPE"`
function datagram.datagram(fd, recvbuf, decoder) end

--- Called with a packet, where it came from, and 0; or with nil, an address if it is known, and an
--- errno or 155.
---@alias chuck.OnDatagram fun(dgram: chuck.Datagram, packet: chuck.RPacket | chuck.RawPacket | nil, from: string?, err: integer)

---@class chuck.DatagramStats
---@field received integer # datagrams that became packets
---@field sent integer # datagrams that the kernel took
---@field dropped integer # datagrams that were no packet
---@field truncated integer # datagrams larger than `recvbuf`

---@class chuck.Datagram
local Datagram = {}

--- Registers with an engine and starts receiving.
---@param engine chuck.Engine
---@param on_packet chuck.OnDatagram
---@return boolean registered
---@return string? message
---@return string? code
function Datagram:Add2Engine(engine, on_packet) end

--- Takes the socket off its engine; nothing is closed.
function Datagram:RemoveEngine() end

--- Queues a packet for an address.
---@param packet chuck.Sendable
---@param address string
---@return integer result # 0 or -errno
function Datagram:SendTo(packet, address) end

--- Queues a packet for the peer that `Connect` named.
---@param packet chuck.Sendable
---@return integer result # 0 or -errno
function Datagram:Send(packet) end

--- Sends to one peer, and receives from it only, from now on.
---@param address string
---@return integer result # 0 or -errno
function Datagram:Connect(address) end

--- Tries once to send what is queued, and closes.
function Datagram:Close() end

---@return string? address
---@return string? message
---@return string? code
function Datagram:GetPeerAddr() end

---@return string? address
---@return string? message
---@return string? code
function Datagram:GetSockAddr() end

---@param on boolean | number
---@return integer result # 0 or -errno
function Datagram:SetBroadcast(on) end

---@param group string # IPv4 or IPv6 address
---@param interface? string | integer # its IPv4 address, name or number
---@return integer result # 0 or -errno
function Datagram:JoinGroup(group, interface) end

---@param group string # IPv4 or IPv6 address
---@param interface? string | integer # its IPv4 address, name or number
---@return integer result # 0 or -errno
function Datagram:LeaveGroup(group, interface) end

---@param hops integer # 1 to 255
---@return integer result # 0 or -errno
function Datagram:SetTtl(hops) end

---@param hops integer # 0 to 255, default 1
---@return integer result # 0 or -errno
function Datagram:SetMulticastTtl(hops) end

---@param on boolean | number # default on
---@return integer result # 0 or -errno
function Datagram:SetMulticastLoop(on) end

---@param interface? string | integer # its IPv4 address, name or number; nil: the kernel's choice
---@return integer result # 0 or -errno
function Datagram:SetMulticastInterface(interface) end

--- Stops receiving; what comes waits in the kernel.
function Datagram:PauseRead() end

--- Goes on receiving.
function Datagram:ResumeRead() end

--- Bytes that the kernel has not taken yet.
---@return integer
function Datagram:QueuedBytes() end

---@return chuck.DatagramStats
function Datagram:Stats() end

return datagram, Datagram
