---@meta chuck.timer

--- A timer that runs whether or not this is kept.
---@class chuck.Timer
local Timer = {}

--- Stops the timer.
function Timer:UnRegister() end

--- Makes wheels: `chuck.TimingWheel()`.
---@class chuck.TimingWheel
---@overload fun(): chuck.Wheel
local TimingWheel = {}

---@return chuck.Wheel
function TimingWheel.TimingWheel() end

--- Timers that move only when they are told to.
---@class chuck.Wheel
local Wheel = {}

--- As `chuck.RegTimer`, on the wheel.
---@param ms number
---@param callback fun(): integer?
---@return chuck.Timer
function Wheel:Register(ms, callback) end

--- Calls everything back whose time has come, once each.
function Wheel:Tick() end

return Timer, TimingWheel, Wheel
