--- Errors of tasks that nobody asked for: they are told to `on_error`, or logged with a traceback.

local check = require("chuck.support.check")
local loop = require("chuck.co.loop")

local report = {}

--- The hook of the program, or false.
local hook = false

local function log(problem, traceback)
  local is_text = type(problem) == "string" or type(problem) == "number"
  local has_text = is_text or getmetatable(problem) and getmetatable(problem).__tostring
  local text = has_text and tostring(problem) or ("error object of type " .. type(problem))
  loop.report("a task", text .. "\n" .. traceback)
end

--- Tells of an error. A hook that raises is told of as well.
function report.tell(task, problem, traceback)
  if hook then
    local fine, why = pcall(hook, problem, traceback, task)
    if fine then
      return
    end
    log(why, "in the on_error hook, which was told of:")
  end
  log(problem, traceback)
end

--- Has `fn(error, traceback, task)` told of errors from now on; nil goes back to the log.
function report.on_error(fn)
  if fn ~= nil then
    check.type("on_error", 1, fn, "function")
  end
  hook = fn or false
end

return report
