--- Where tasks come from: the line that spawned one, the line that spawned its spawner, and so on.

local origin = {}

--- How far back that goes.
local DEPTH = 8

--- Notes the line of the function `level` levels above, for a task that one with the origin `outer`
--- starts.
function origin.note(outer, level)
  local info = debug.getinfo(level + 1, "Sl")
  if outer and outer.depth == DEPTH then
    outer = false
  end
  return {
    site = info and ("%s:%d"):format(info.short_src, info.currentline) or "?",
    outer = outer,
    depth = outer and outer.depth + 1 or 1,
  }
end

--- The function that a coroutine runs for its worker: the second from the bottom of its stack.
local function outermost(thread)
  local level, bottom, above = 0, nil, nil
  local info = debug.getinfo(thread, level, "f")
  while info do
    above, bottom = bottom, info.func
    level = level + 1
    info = debug.getinfo(thread, level, "f")
  end
  return above
end

--- Where the function of a task was written, for one whose spawn was not noted.
local function birthplace(task)
  local worker = task.worker
  local fn = task.fn or worker and outermost(worker.thread)
  local info = fn and debug.getinfo(fn, "S")
  return info and ("%s:%d"):format(info.short_src, info.linedefined) or "?"
end

--- `file:line` of the call that has started a task; in a burst of spawns, of its function.
function origin.site(task)
  return task.origin and task.origin.site or birthplace(task)
end

--- A traceback of a task that has raised `problem`, and behind it where it was started from; before
--- it that of the task which has raised it first, when it came out of a scope.
function origin.traceback(task, traceback, problem)
  local lines = { traceback }
  local cause, from = task.cause, task.origin
  if cause and rawequal(cause.error, problem) then
    lines = { cause.traceback, "raised by its scope, in", traceback }
  end
  if not from then
    lines[#lines + 1] = "started at " .. birthplace(task)
  end
  while from do
    lines[#lines + 1] = "started at " .. from.site
    from = from.outer
  end
  return table.concat(lines, "\n")
end

return origin
