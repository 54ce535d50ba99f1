---@meta chuck.rpc

--- Calls between threads.
---@class chuck.rpc
local rpc = {}

--- A peer in another thread, which does the same with this one.
---@param thread chuck.Thread
---@param options? chuck.RpcOptions|chuck.RpcConfig
---@return chuck.RpcPeer? peer
---@return string? message
---@return string? code # `"ESRCH"`, `"EBUSY"`, `"EINVAL"`
function rpc.thread(thread, options) end

--- Gives mails that belong to no peer to a function; nil ends that.
---@param callback? fun(from: chuck.Thread, mail: any)
---@return true? done
---@return string? message
---@return string? code
function rpc.on_mail(callback) end
