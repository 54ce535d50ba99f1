---@meta chuck.dial

--- What `chuck.dial` returns.
---@class chuck.Dial
local Dial = {}

--- Gives up: everything is closed, and the callback is not called.
---@return boolean was_waiting # whether the callback was still to be called
function Dial:Cancel() end
