--- What is to happen when a task ends, however it does: also cancelled before it has begun.
---
---     ending.watch(task, function() seats = seats + 1 end)
---
--- The function is called before anyone who joins the task goes on. It must not park or raise.

local task = require("chuck.co.task")

local ending = {}

--- Stands in a list of joiners as a case of a selection does.
local Ending = {}
Ending.__index = Ending

function Ending:Finish()
  self.fn()
end

--- Calls `fn()` when `watched` ends. Its error, if it fails, is as unasked as before.
function ending.watch(watched, fn)
  local entry = { selection = setmetatable({ fn = fn }, Ending), place = false }
  task.joiners_of(watched):Add(entry)
  watched.watchers = watched.watchers + 1
end

return ending
