---@meta chuck.actor

--- What `co.actor` returns: a task with a name and a mailbox.
---@class chuck.Actor
local Actor = {}

--- Puts a message into the mailbox; parks while that is full.
---@async
---@param message any
---@param timeout_ms? number
---@return true? sent
---@return string? why # `"closed"`, `"timeout"`
---@return string? code # `"EPIPE"`, `"ETIMEDOUT"`
function Actor:Send(message, timeout_ms) end

--- As `Send`, without waiting.
---@param message any
---@return true? sent
---@return string? why # `"closed"`, `"full"`
---@return string? code # `"EPIPE"`, `"EAGAIN"`
function Actor:TrySend(message) end

--- Sends a message and parks until it is answered.
---@async
---@param message any
---@param timeout_ms? number
---@return any ... # or `nil, message, code`: `"ETIMEDOUT"`, `"EPIPE"`, `"EFAULT"`
function Actor:Call(message, timeout_ms) end

--- The oldest message, and where to put the answer when its sender waits for one.
---@async
---@param timeout_ms? number
---@return any message
---@return chuck.Future|string|nil reply # or `"closed"`, `"timeout"`
---@return string? code # `"EPIPE"`, `"ETIMEDOUT"`
function Actor:Recv(timeout_ms) end

--- As `Recv`, without waiting.
---@return any message
---@return chuck.Future|string|nil reply # or `"closed"`, `"empty"`
---@return string? code # `"EPIPE"`, `"EAGAIN"`
function Actor:TryRecv() end

--- `for n, message, reply in self:Messages() do`, until it was stopped. Not on Lua 5.1.
---@async
---@return fun(self: chuck.Actor, n: integer): integer?, any, chuck.Future?
---@return chuck.Actor self
---@return integer zero
function Actor:Messages() end

--- Takes no more messages; those in the mailbox are still received.
function Actor:Stop() end

--- Ends it at the wait that it is in or comes to. False when it has ended already.
---@param message? string
---@return boolean
function Actor:Cancel(message) end

--- Parks until it has ended for good.
---@async
---@param timeout_ms? number
---@return any ... # what its function has returned, or `nil, message, code, error`
function Actor:Join(timeout_ms) end

--- Its name.
---@return string name
function Actor:Name() end

--- Whether it has ended.
---@return boolean
function Actor:IsDone() end

--- How many times it was started again.
---@return integer count
function Actor:Restarts() end

---@class chuck.co
local co = {}

--- Starts `fn(actor)` in a task that others find by name.
---@param name string
---@param fn fun(self: chuck.Actor): ...
---@param options? { mailbox?: integer, scope?: chuck.Scope, restarts?: integer, within_ms?: number, backoff_ms?: number, backoff_max_ms?: number, on_failure?: fun(self: chuck.Actor, error: any, traceback: string) }
---@return chuck.Actor? actor
---@return string? message
---@return string? code # `"EEXIST"`, `"EPIPE"`: the scope has ended
function co.actor(name, fn, options) end

--- The actor of a name; nil when there is none.
---@param name string
---@return chuck.Actor?
function co.find_actor(name) end

--- Sends to every actor but those whose names are listed, without waiting.
---@param message any
---@param except? string[]
---@return integer told
---@return integer missed # their mailbox is full, or they were stopped
function co.broadcast(message, except) end
