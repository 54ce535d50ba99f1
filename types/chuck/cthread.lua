---@meta chuck.cthread

--- Threads with a Lua state of their own, and mail between them.
---@class chuck.cthread
local cthread = {}

--- What can be mailed: copied are booleans, numbers, strings and tables of them; packets share
--- their bytes; connections, datagram sockets and acceptors that are in no engine change hands.
---@alias chuck.Mail nil|boolean|number|string|table|chuck.WPacket|chuck.RPacket|chuck.RawPacket|chuck.Thread|chuck.Connection|chuck.Datagram|chuck.Acceptor

--- Runs a script in a new thread, with `...` as its arguments. Returns when it was loaded.
---@param file string
---@param ... chuck.Mail?
---@return chuck.Thread? thread
---@return string? message
---@return string? code # `"ENOENT"` and the like, `"ENOEXEC"`, `"EMAXTHD"`
function cthread.new(file, ...) end

--- Waits for the end of a thread: the results of its script, `true` when it has none.
---@param thread chuck.Thread
---@param timeout_ms? number # for ever when it is left out
---@return any ... # or nil, message, `"ECANCELED"`, `"ETIMEDOUT"`, `"ESRCH"`, `"EDEADLK"`, `"EINVAL"`, `"EINTR"`
function cthread.join(thread, timeout_ms) end

--- The kernel's number of a thread; 0 once it has ended.
---@param thread chuck.Thread
---@return integer tid
function cthread.tid(thread) end

--- The kernel's number of the running thread.
---@return integer tid
function cthread.selftid() end

--- The thread with this number.
---@param tid integer
---@return chuck.Thread? thread
function cthread.findbytid(tid) end

--- The running thread.
---@return chuck.Thread thread
function cthread.self() end

--- Has `callback` called for each mail, in the loop of `engine`. A second call replaces callback
--- and engine.
---@param engine chuck.Engine
---@param callback fun(sender: chuck.Thread, mail: chuck.Mail)
---@return boolean done
---@return string? message
---@return string? code # `"EENGCLOSE"`
function cthread.process_mail(engine, callback) end

--- Puts a mail into the inbox of a thread.
---@param thread chuck.Thread
---@param mail chuck.Mail
---@param timeout_ms? number # how long to wait for room; 0 when it is left out
---@return true? sent
---@return string? message
---@return string? code # `"EAGAIN"`, `"ETIMEDOUT"`, `"EDEADLK"`, `"ETMCLOSE"`
function cthread.sendmail(thread, mail, timeout_ms) end

--- Puts a copy of a mail into every other inbox that has room.
---@param mail chuck.Mail
---@return integer reached
---@return integer full # inboxes that had no room
function cthread.broadcast(mail) end

--- A thread. Compare with `==`; it has no methods.
---@class chuck.Thread
local Thread = {} -- luacheck: ignore

return cthread
