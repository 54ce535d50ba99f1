---@meta chuck.program

--- A program that `io.popen` has started.
---@class chuck.Program
local Program = {}

--- Exactly `n` bytes.
---@async
---@param n integer
---@param timeout_ms? number
---@return string? bytes
---@return string? message
---@return string? code # `"EOF"`, `"ETIMEDOUT"`, `"ESOCKCLOSE"`, `"ECONNRESET"`, …
function Program:Read(n, timeout_ms) end

--- What has arrived.
---@async
---@param max? integer
---@param timeout_ms? number
---@return string? bytes
---@return string? message
---@return string? code
function Program:ReadSome(max, timeout_ms) end

--- Everything up to the peer's end.
---@async
---@param max? integer # 16 MiB
---@param timeout_ms? number
---@return string? bytes
---@return string? message
---@return string? code # also `"EMSGSIZE"`
function Program:ReadAll(max, timeout_ms) end

--- The next line, without its end.
---@async
---@param max? integer # 65536
---@param timeout_ms? number
---@return string? line
---@return string? message
---@return string? code # also `"EMSGSIZE"`
function Program:ReadLine(max, timeout_ms) end

--- What comes before a mark, which is taken too.
---@async
---@param mark string
---@param max? integer # 65536
---@param timeout_ms? number
---@return string? text
---@return string? message
---@return string? code # also `"EMSGSIZE"`
function Program:ReadUntil(mark, max, timeout_ms) end

--- The next packet.
---@async
---@param timeout_ms? number
---@return chuck.RPacket|chuck.RawPacket|nil packet
---@return string? message
---@return string? code
function Program:ReadPacket(timeout_ms) end

--- The next packet if it is there already.
---@return chuck.RPacket|chuck.RawPacket|nil packet
function Program:TryReadPacket() end

--- An iterator over lines.
---@param max? integer
---@param timeout_ms? number
---@return fun(): string?
function Program:Lines(max, timeout_ms) end

--- An iterator over what arrives.
---@param max? integer
---@param timeout_ms? number
---@return fun(): string?
function Program:Chunks(max, timeout_ms) end

--- An iterator over packets.
---@param timeout_ms? number
---@return fun(): (chuck.RPacket|chuck.RawPacket)?
function Program:Packets(timeout_ms) end

--- Queues strings; a number at the end is a time limit.
---@async
---@param text string
---@param ... string|number
---@return true? queued
---@return string? message
---@return string? code
---@return integer? written # of a string too large for the queue
function Program:Write(text, ...) end

--- Queues a packet.
---@async
---@param packet chuck.WPacket|chuck.RawPacket
---@param timeout_ms? number
---@return true? queued
---@return string? message
---@return string? code
function Program:WritePacket(packet, timeout_ms) end

--- Queues a packet without parking.
---@param packet chuck.WPacket|chuck.RawPacket
---@return true? queued
---@return string? message
---@return string? code # `"ENOBUFS"` beyond the limit
function Program:Send(packet) end

--- Waits until the kernel has everything.
---@async
---@param timeout_ms? number
---@return true? done
---@return string? message
---@return string? code
function Program:Flush(timeout_ms) end

--- Ends the write side.
---@return true? done
---@return string? message
---@return string? code
function Program:Shutdown() end

--- The stream to its standard input.
---@return chuck.Stream?
function Program:Stdin() end

--- The stream from its standard output.
---@return chuck.Stream?
function Program:Stdout() end

--- The stream from its standard error.
---@return chuck.Stream?
function Program:Stderr() end

--- Waits for its end.
---@async
---@param timeout_ms? number
---@return integer? status
---@return integer|string|nil signum # or message
---@return string? code
function Program:Wait(timeout_ms) end

--- Sends it a signal.
---@param signum? integer # SIGKILL
---@return true? sent
---@return string? message
---@return string? code
function Program:Kill(signum) end

--- Closes its pipes and ends it.
---@param grace_ms? number
function Program:Close(grace_ms) end

--- Its number.
---@return integer pid
function Program:Pid() end
