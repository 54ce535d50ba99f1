--- A queue between tasks: two produce, three consume, and the slower side sets the pace.
---
---     lua5.4 examples/task_queue.lua
---
--- The channel has room for four values. A producer that is ahead waits in `Send`; a consumer that
--- is ahead waits in `Recv`. Closing it ends the consumers once everything was consumed.
local chuck = require("chuck")

local co = chuck.co

local queue = co.channel(4)

local function produce(name, count)
  for n = 1, count do
    queue:Send(name .. n)
  end
end

local function consume(number)
  local eaten = {}
  local item = queue:Recv()
  while item do
    eaten[#eaten + 1] = item
    co.sleep(number) -- some chew longer
    item = queue:Recv()
  end
  print(("consumer %d: %s"):format(number, table.concat(eaten, " ")))
  return #eaten
end

co.run(function()
  local consumers = {}
  for number = 1, 3 do
    consumers[number] = co.spawn(consume, number)
  end
  co.scope(function(producers)
    producers:Spawn(produce, "apple", 10)
    producers:Spawn(produce, "pear", 10)
  end) -- returns when both have sent everything
  queue:Close()

  local total = 0
  for _, consumer in ipairs(consumers) do
    total = total + consumer:Join()
  end
  print(total .. " of 20 consumed")
end)
