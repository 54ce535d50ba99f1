---@meta chuck.select

--- One of the things that `co.select` waits for.
---@alias chuck.Case
---| chuck.Channel # a value
---| chuck.Actor # a message for it
---| chuck.Task # its end
---| chuck.Future # its result
---| { send: chuck.Channel, value: any } # room, or somebody who receives
---| { after_ms: number } # a time

---@class chuck.co
local co = {}

--- Waits for the first of several cases; of those that can happen at once, for the one that was
--- chosen longest ago.
---@async
---@param cases chuck.Case[]
---@param timeout_ms? number
---@return integer? which # the number of the case
---@return any ... # what it answers, or `"timeout", "ETIMEDOUT"`
function co.select(cases, timeout_ms) end
