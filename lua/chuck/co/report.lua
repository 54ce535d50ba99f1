--- Errors of tasks that nobody asked for: they are told to `on_error`, or logged with a traceback.

local check = require("chuck.support.check")
local loop = require("chuck.co.loop")

local report = {}

--- The hook of the program, or false.
local hook = false

--- What an error says of itself, if it is more than text.
local function own_text(problem)
  local class = debug.getmetatable(problem)
  return class and class.__tostring and tostring(problem)
end

--- An error as text. Errors are of the program: one whose `__tostring` raises has a text as well.
function report.text(problem)
  if type(problem) == "string" or type(problem) == "number" then
    return tostring(problem)
  end
  local fine, text = pcall(own_text, problem)
  return fine and text or "error object of type " .. type(problem)
end

local function log(problem, traceback)
  loop.report("a task", report.text(problem) .. "\n" .. traceback)
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
