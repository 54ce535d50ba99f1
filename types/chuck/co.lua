---@meta chuck.co

--- Tasks: code that waits without blocking the loop.
---@class chuck.co
local co = {}

--- Runs `fn` and every task that is started meanwhile, until all have ended. Raises what `fn` raises.
---@param fn? fun(): ...
---@param options? { engine?: chuck.Engine, signals?: boolean, grace_ms?: number }
---@return any ... # results of `fn`; or `nil, message, code`: `"EINTR"`, `"ECANCELED"`, `"EENGCLOSE"`
function co.run(fn, options) end

--- Cancels every task: `run` returns when they have ended.
---@param message? string
---@return boolean stops # false when nothing runs
function co.stop(message) end

--- Lets tasks run in an engine that is run by others.
---@param engine chuck.Engine
function co.attach(engine) end

--- Ends what `attach` has begun; tasks that have not ended are forgotten.
function co.detach() end

--- Starts `fn(...)` in a task of its own.
---@param fn fun(...)
---@param ... any
---@return chuck.Task task
function co.spawn(fn, ...) end

--- Parks for a time.
---@async
---@param ms number
function co.sleep(ms) end

--- Lets other ready tasks run first.
---@async
function co.yield() end

--- Parks until `wakeup`.
---@async
---@param timeout_ms? number
---@return any ... # values of `wakeup`; or `nil, message, "ETIMEDOUT"`
function co.wait(timeout_ms) end

--- Wakes a task that is in `wait`, with any values, or asleep.
---@param task chuck.Task
---@param ... any
---@return boolean woken
function co.wakeup(task, ...) end

--- Makes a function that waits of `fn(…, callback)`.
---@param fn function
---@param options? { callback_at?: integer, timeout_ms?: number }
---@return fun(...): ... waits
function co.wrap(fn, options) end

--- The task that runs now; nil outside of tasks.
---@return chuck.Task?
function co.current() end

--- As `task:Join`.
---@async
---@param task chuck.Task
---@param timeout_ms? number
---@return any ...
function co.join(task, timeout_ms) end

--- As `task:Cancel`.
---@param task chuck.Task
---@param message? string
---@return boolean cancelled
function co.cancel(task, message) end

--- Runs `fn(scope)` and waits for every task that was started in it.
---@async
---@param fn fun(scope: chuck.Scope): ...
---@param options? { deadline_ms?: number }
---@return any ... # results of `fn`; or `nil, message, code`: `"ECANCELED"`, `"ETIMEDOUT"`
function co.scope(fn, options) end

--- Runs `fn(...)` in a scope with a deadline.
---@async
---@param deadline_ms number
---@param fn fun(...): ...
---@param ... any
---@return any ... # results of `fn`; or `nil, message, "ETIMEDOUT"`
function co.with_deadline(deadline_ms, fn, ...) end

--- Runs `fn(...)` out of reach of cancellations and deadlines from outside.
---@async
---@param fn fun(...): ...
---@param ... any
---@return any ...
function co.shield(fn, ...) end

--- When what the current task does has to have ended, by the time of `now`.
---@return number? ms
function co.deadline() end

--- The time of the loop, in milliseconds.
---@return number ms
function co.now() end

--- Sets a value for this task and those that it starts from now on.
---@param key any
---@param value any
function co.set_local(key, value) end

--- A value of this task, or of the task that started it.
---@param key any
---@return any
function co.get_local(key) end

--- As Lua's own; what it calls may wait, on every Lua.
---@param fn fun(...): ...
---@param ... any
---@return boolean fine
---@return any ...
function co.pcall(fn, ...) end

--- As Lua's own, with arguments for `fn`; what it calls may wait, on every Lua.
---@param fn fun(...): ...
---@param handler fun(problem: any): any
---@param ... any
---@return boolean fine
---@return any ...
function co.xpcall(fn, handler, ...) end

--- Whether an error is a cancellation or a deadline that has passed: it has fields `code`, `message`.
---@param problem any
---@return boolean
function co.is_cancelled(problem) end

--- Has `fn` told of errors of tasks that nobody waits for; nil goes back to the log.
---@param fn? fun(problem: any, traceback: string, task: chuck.Task)
function co.on_error(fn) end

--- Logs the stack of a task that has held the loop for so long; nil or 0 turns it off.
---@param ms? number
function co.set_watchdog(ms) end

--- Counters since the program began, and what there is now.
---@return chuck.TaskStats
function co.stats() end

--- Every task that has not ended.
---@return chuck.TaskEntry[]
function co.tasks() end

---@class chuck.Task
local Task = {}

--- Waits for the end.
---@async
---@param timeout_ms? number
---@return any ... # results; or `nil, message, code, error`: `"EFAULT"`, `"ECANCELED"`, `"ETIMEDOUT"`
function Task:Join(timeout_ms) end

--- Has it end: whatever it waits for, now or next, raises.
---@param message? string
---@return boolean cancelled # false when it has ended already
function Task:Cancel(message) end

--- Whether it has ended.
---@return boolean
function Task:IsDone() end

--- How it is.
---@return "ready"|"running"|"parked"|"done"
function Task:Status() end

---@class chuck.Scope
local Scope = {}

--- Starts a task in the scope, from anywhere while it is open.
---@param fn fun(...)
---@param ... any
---@return chuck.Task task
function Scope:Spawn(fn, ...) end

--- Ends everything in the scope.
---@param message? string
function Scope:Cancel(message) end

--- How many tasks are in it.
---@return integer
function Scope:Count() end

---@class chuck.TaskStats
---@field spawned integer
---@field finished integer
---@field failed integer
---@field cancelled integer
---@field alive integer
---@field ready integer
---@field passes integer
---@field workers integer
---@field idle_workers integer

---@class chuck.TaskEntry
---@field task chuck.Task
---@field state "ready"|"running"|"parked"
---@field age number
---@field waits_for string?
---@field site string

return co
