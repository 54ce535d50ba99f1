---@meta chuck.stream

--- A connection that tasks read and write.
---@class chuck.Stream
local Stream = {}

--- Exactly `n` bytes.
---@async
---@param n integer
---@param timeout_ms? number
---@return string? bytes
---@return string? message
---@return string? code # `"EOF"`, `"ETIMEDOUT"`, `"ESOCKCLOSE"`, `"ECONNRESET"`, …
function Stream:Read(n, timeout_ms) end

--- What has arrived.
---@async
---@param max? integer
---@param timeout_ms? number
---@return string? bytes
---@return string? message
---@return string? code
function Stream:ReadSome(max, timeout_ms) end

--- Everything up to the peer's end.
---@async
---@param max? integer # 16 MiB
---@param timeout_ms? number
---@return string? bytes
---@return string? message
---@return string? code # also `"EMSGSIZE"`
function Stream:ReadAll(max, timeout_ms) end

--- The next line, without its end.
---@async
---@param max? integer # 65536
---@param timeout_ms? number
---@return string? line
---@return string? message
---@return string? code # also `"EMSGSIZE"`
function Stream:ReadLine(max, timeout_ms) end

--- What comes before a mark, which is taken too.
---@async
---@param mark string
---@param max? integer # 65536
---@param timeout_ms? number
---@return string? text
---@return string? message
---@return string? code # also `"EMSGSIZE"`
function Stream:ReadUntil(mark, max, timeout_ms) end

--- The next packet.
---@async
---@param timeout_ms? number
---@return chuck.RPacket|chuck.RawPacket|nil packet
---@return string? message
---@return string? code
function Stream:ReadPacket(timeout_ms) end

--- The next packet if it is there already.
---@return chuck.RPacket|chuck.RawPacket|nil packet
function Stream:TryReadPacket() end

--- An iterator over lines.
---@param max? integer
---@param timeout_ms? number
---@return fun(): string?
function Stream:Lines(max, timeout_ms) end

--- An iterator over what arrives.
---@param max? integer
---@param timeout_ms? number
---@return fun(): string?
function Stream:Chunks(max, timeout_ms) end

--- An iterator over packets.
---@param timeout_ms? number
---@return fun(): (chuck.RPacket|chuck.RawPacket)?
function Stream:Packets(timeout_ms) end

--- Queues strings; a number at the end is a time limit.
---@async
---@param text string
---@param ... string|number
---@return true? queued
---@return string? message
---@return string? code
---@return integer? written # of a string too large for the queue
function Stream:Write(text, ...) end

--- Queues a packet.
---@async
---@param packet chuck.WPacket|chuck.RawPacket
---@param timeout_ms? number
---@return true? queued
---@return string? message
---@return string? code
function Stream:WritePacket(packet, timeout_ms) end

--- Queues a packet without parking.
---@param packet chuck.WPacket|chuck.RawPacket
---@return true? queued
---@return string? message
---@return string? code # `"ENOBUFS"` beyond the limit
function Stream:Send(packet) end

--- Waits until the kernel has everything.
---@async
---@param timeout_ms? number
---@return true? done
---@return string? message
---@return string? code
function Stream:Flush(timeout_ms) end

--- Ends the write side.
---@return true? done
---@return string? message
---@return string? code
function Stream:Shutdown() end

--- Ends the stream; what was written is still sent for so long.
---@param delay_ms? number # 10000
function Stream:Close(delay_ms) end

--- Whether `Close` was called.
---@return boolean closed
function Stream:IsClosed() end

--- The other side, for messages.
---@return string peer
function Stream:Peer() end

--- The address of this side.
---@return string? address
---@return string? message
---@return string? code
function Stream:GetSockAddr() end
