---@meta chuck.sync

--- What `co.mutex` returns: a lock.
---@class chuck.Mutex
local Mutex = {}

--- Takes the lock; parks while another task has it.
---@async
---@param timeout_ms? number
---@return true? done
---@return string? why # `"timeout"`
---@return string? code # `"ETIMEDOUT"`
function Mutex:Lock(timeout_ms) end

--- Takes the lock if nobody has it: whether it did.
---@return boolean
function Mutex:TryLock() end

--- Gives the lock to the one who has waited longest.
function Mutex:Unlock() end

--- Runs `fn(...)` with the lock, and gives it back however that ends.
---@async
---@param fn function
---@param ... any
---@return any ... # what `fn` returns
function Mutex:With(fn, ...) end

--- Whether a task has it.
---@return boolean
function Mutex:IsLocked() end

--- What `co.semaphore` returns: a number of permits.
---@class chuck.Semaphore
local Semaphore = {}

--- Takes a permit; parks while none is free.
---@async
---@param timeout_ms? number
---@return true? done
---@return string? why # `"timeout"`
---@return string? code # `"ETIMEDOUT"`
function Semaphore:Acquire(timeout_ms) end

--- Takes a permit if one is free: whether it did.
---@return boolean
function Semaphore:TryAcquire() end

--- Gives a permit back, to the one who has waited longest.
function Semaphore:Release() end

--- Runs `fn(...)` with a permit, and gives it back however that ends.
---@async
---@param fn function
---@param ... any
---@return any ... # what `fn` returns
function Semaphore:With(fn, ...) end

--- How many permits are free.
---@return integer count
function Semaphore:Free() end

--- What `co.condition` returns: something that tasks wait for to become true.
---@class chuck.Condition
local Condition = {}

--- Parks until told. With a lock, gives it up meanwhile and has it again afterwards, however the
--- wait has ended.
---@async
---@overload fun(self: chuck.Condition, timeout_ms: number): true?, string?, string?
---@param lock? chuck.Mutex
---@param timeout_ms? number
---@return true? told
---@return string? why # `"timeout"`
---@return string? code # `"ETIMEDOUT"`
function Condition:Wait(lock, timeout_ms) end

--- Wakes the one who has waited longest: whether there was one.
---@return boolean
function Condition:Signal() end

--- Wakes everyone who waits: how many they were.
---@return integer count
function Condition:Broadcast() end

--- What `co.wait_group` returns: a count of what is not done yet.
---@class chuck.WaitGroup
local WaitGroup = {}

--- Adds to the count.
---@param n? integer # 1
function WaitGroup:Add(n) end

--- Takes one off the count.
function WaitGroup:Done() end

--- Parks until the count is zero.
---@async
---@param timeout_ms? number
---@return true? done
---@return string? why # `"timeout"`
---@return string? code # `"ETIMEDOUT"`
function WaitGroup:Wait(timeout_ms) end

--- How much is not done yet.
---@return integer count
function WaitGroup:Count() end

--- What `co.future` returns: a result that comes later.
---@class chuck.Future
local Future = {}

--- Has `Get` return these values. The first time counts.
---@param ... any
---@return boolean is_first
function Future:Set(...) end

--- Has `Get` return `nil, message, code`. The first time counts.
---@param message string
---@param code string
---@return boolean is_first
function Future:Fail(message, code) end

--- What it was set to; parks until it is.
---@async
---@param timeout_ms? number
---@return any ... # or `nil, "timeout", "ETIMEDOUT"`
function Future:Get(timeout_ms) end

--- Whether it was set, or has failed.
---@return boolean
function Future:IsDone() end

---@class chuck.co
local co = {}

--- A lock that nobody has.
---@return chuck.Mutex
function co.mutex() end

--- So many permits, all free.
---@param permits integer
---@return chuck.Semaphore
function co.semaphore(permits) end

--- Something that tasks wait for to become true.
---@return chuck.Condition
function co.condition() end

--- A count of zero.
---@return chuck.WaitGroup
function co.wait_group() end

--- A result that comes later.
---@return chuck.Future
function co.future() end
