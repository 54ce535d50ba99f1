--- Task-local values: a task has those that its parent had when it was started.
---
---     locals.set("request", 7)
---     spawn(function() print(locals.get("request")) end)     --> 7
---
--- What a task sets later reaches neither its parent nor the tasks that it has started before.

local sched = require("chuck.co.sched")

local locals = {}

local function current_task(name)
  local task = sched.current()
  if not task then
    error(("'%s' is for tasks: use it inside of co.run or co.spawn"):format(name), 3)
  end
  return task
end

--- Sets a value for this task and those that it starts from now on. nil removes it.
function locals.set(key, value)
  local task = current_task("set_local")
  if key == nil then
    error("bad argument #1 to 'set_local' (a key expected, got nil)", 2)
  end
  local copy = {}
  for name, old in pairs(task.locals or {}) do
    copy[name] = old
  end
  copy[key] = value
  -- Children share the table: it is replaced, never changed.
  sched.set_locals(copy)
end

--- A value of this task; nil when there is none.
function locals.get(key)
  local values = current_task("get_local").locals
  if values then
    return values[key]
  end
end

return locals
