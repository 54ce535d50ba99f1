---@meta chuck.channel

--- What `co.channel` returns: values from task to task, in order.
---@class chuck.Channel
local Channel = {}

--- Hands a value over; parks while there is no room.
---@async
---@param value any
---@param timeout_ms? number
---@return true? sent
---@return string? why # `"closed"`, `"timeout"`
---@return string? code # `"EPIPE"`, `"ETIMEDOUT"`
function Channel:Send(value, timeout_ms) end

--- Takes the oldest value; parks while there is none.
---@async
---@param timeout_ms? number
---@return any value
---@return string? why # `"closed"` once nothing is left to take, `"timeout"`
---@return string? code # `"EPIPE"`, `"ETIMEDOUT"`
function Channel:Recv(timeout_ms) end

--- As `Send`, without waiting.
---@param value any
---@return true? sent
---@return string? why # `"closed"`, `"full"`
---@return string? code # `"EPIPE"`, `"EAGAIN"`
function Channel:TrySend(value) end

--- As `Recv`, without waiting.
---@return any value
---@return string? why # `"closed"`, `"empty"`
---@return string? code # `"EPIPE"`, `"EAGAIN"`
function Channel:TryRecv() end

--- `for n, value in ch:Values() do`, until it is closed and empty. Not on Lua 5.1.
---@async
---@return fun(ch: chuck.Channel, n: integer): integer?, any
---@return chuck.Channel ch
---@return integer zero
function Channel:Values() end

--- Ends the channel: what was sent can still be received.
function Channel:Close() end

--- Whether it was closed.
---@return boolean
function Channel:IsClosed() end

--- How many values can be received without waiting.
---@return integer count
function Channel:Len() end

---@class chuck.co
local co = {}

--- A channel with room for so many values. 0 hands over directly, `math.huge` is no limit.
---@param room? integer|number # 1024
---@return chuck.Channel
function co.channel(room) end
