--- Actors: tasks with a name and a mailbox.
---
---     lua5.4 examples/task_actors.lua
---
--- Ten of them greet everyone but themselves and a shy one, and each ends when it has heard from
--- all the others.
local chuck = require("chuck")

local co = chuck.co

local COUNT, SHY = 10, "actor 10"

local function greeter(self)
  local heard = 0
  co.yield() -- until all of them are there
  co.broadcast({ from = self.name, text = "hello" }, { self.name, SHY })
  while heard < COUNT - 1 - (self.name == SHY and COUNT - 1 or 0) do
    local mail = self:Recv()
    assert(mail.text == "hello" and mail.from ~= self.name)
    heard = heard + 1
  end
  print(("%s has heard from %d"):format(self.name, heard))
end

co.run(function()
  for n = 1, COUNT do
    co.actor("actor " .. n, greeter)
  end
end)
