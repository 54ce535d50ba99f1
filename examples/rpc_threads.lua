--- Work for several cores: threads that are called like servers.
---
---     lua5.4 examples/rpc_threads.lua [WORKERS]
---
--- Counts primes in pieces; each piece is a call to the worker that has the least to do. One worker
--- fails on the way, and its piece is given to another. The program is its own worker. Ends by
--- itself.
local chuck = require("chuck")

local co, cthread, rpc = chuck.co, chuck.cthread, chuck.rpc

local WORKERS = 3
local MOST, STEP = 60000, 5000

io.stdout:setvbuf("line")

local function count_primes(first, last)
  local count = 0
  for n = math.max(first, 2), last do
    local is_prime = true
    for d = 2, math.floor(math.sqrt(n)) do
      if n % d == 0 then
        is_prime = false
        break
      end
    end
    count = count + (is_prime and 1 or 0)
  end
  return count
end

local function work(parent, number)
  co.run(function()
    local served = 0
    local peer = assert(rpc.thread(parent, {
      heartbeat_ms = 0,
      services = {
        count = function(first, last)
          served = served + 1
          if number == 1 and served == 2 then
            co.stop("this worker is tired")
            co.sleep(1000)
          end
          return count_primes(first, last), number
        end,
      },
    }))
    peer:Wait()
  end)
end

if ... == "worker" then
  return work(select(2, ...))
end

co.run(function()
  local workers = {}
  for n = 1, tonumber(arg[1]) or WORKERS do
    workers[n] = assert(cthread.new(arg[0], "worker", cthread.self(), n))
  end
  local pool = rpc.pool(workers, { heartbeat_ms = 0 })
  repeat
    co.sleep(1)
  until #pool:Peers() == #workers
  local total, done_by = 0, {}
  co.scope(function(children)
    for first = 1, MOST, STEP do
      children:Spawn(function()
        local options = { idempotent = true }
        local count, number = pool:CallWith(options, "count", first, first + STEP - 1)
        total = total + assert(count, number)
        done_by[number] = (done_by[number] or 0) + 1
      end)
    end
  end)
  print(("%d primes up to %d"):format(total, MOST))
  for number, pieces in pairs(done_by) do
    print(("worker %d has counted %d pieces"):format(number, pieces))
  end
  pool:Close()
end)
