--- A pool: a hundred jobs, and never more than ten at work.
---
---     lua5.4 examples/task_pool.lua
local chuck = require("chuck")

local co = chuck.co

local JOBS, WORKERS = 100, 10

local working, most, finished = 0, 0, 0

--- Stands for something that waits: a query, a request, a file.
local function job(number)
  working = working + 1
  most = math.max(most, working)
  co.sleep(1 + number % 5)
  working = working - 1
  finished = finished + 1
end

co.run(function()
  local pool = co.pool(WORKERS)
  for number = 1, JOBS do
    pool:Submit(job, number) -- waits when too many wait for their turn
  end
  pool:Drain()
  print(("%d jobs done, at most %d at a time"):format(finished, most))
end)
