--- Actors: tasks with a name and a mailbox.
---
---     lua5.4 examples/task_actors.lua
---
--- Ten of them. Each greets all the others but a shy one, and ends when it has heard from everyone
--- who greets it; the shy one waits in vain.
local chuck = require("chuck")

local co = chuck.co

local COUNT, SHY = 10, "actor 10"

local function live(self)
  local name = self:Name()
  co.broadcast({ from = name, text = "hello" }, { name, SHY })
  for heard = 1, COUNT - 1 do
    local mail, why = self:Recv(50)
    if not mail then
      print(("%s has heard from %d, then %s"):format(name, heard - 1, why))
      return
    end
    assert(mail.text == "hello" and mail.from ~= name)
  end
  print(("%s has heard from %d"):format(name, COUNT - 1))
end

co.run(function()
  for n = 1, COUNT do
    assert(co.actor("actor " .. n, live)) -- it begins when this task waits or ends
  end
end)
