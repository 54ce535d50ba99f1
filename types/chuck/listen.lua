---@meta chuck.listen

--- What `chuck.listen` returns.
---@class chuck.Listener
local Listener = {}

--- Stops listening. Connections live on.
function Listener:Close() end

--- The address, with the port that the kernel chose.
---@return string? address
---@return string? message
---@return string? code # `"ESOCKCLOSE"`
function Listener:GetSockAddr() end

--- Stops accepting: who comes waits in the kernel.
---@return true? done
---@return string? message
---@return string? code # `"ESOCKCLOSE"`
function Listener:Pause() end

--- Goes on accepting.
---@return true? done
---@return string? message
---@return string? code # `"ESOCKCLOSE"`
function Listener:Resume() end

--- How many of its connections are open.
---@return integer count
function Listener:Connections() end
