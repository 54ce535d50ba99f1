--- Many tasks that call a server at the same time, over a few connections, and how fast that is.
---
---     lua5.4 examples/rpcclient.lua [ADDR [CALLERS [CONNECTIONS]]]
---
--- Without an address it starts examples/rpcserver.lua in a process of its own. When the server is
--- killed and started again, the callers go on. Ends on Ctrl-C, or after CHUCK_EXAMPLE_SECONDS.
local chuck = require("chuck")

local co, rpc = chuck.co, chuck.rpc

local CALLERS = tonumber(arg[2]) or 5000
local CONNECTIONS = tonumber(arg[3]) or 2
local SECONDS = tonumber(os.getenv("CHUCK_EXAMPLE_SECONDS"))

io.stdout:setvbuf("line")

local answers, failures = 0, {}

--- Calls, one call after the other.
local function work(client, n)
  while true do
    local sum, _, code = client:CallWith({ idempotent = true, timeout_ms = 5000 }, "add", n, 1)
    if sum then
      assert(sum == n + 1)
      answers = answers + 1
    elseif client:IsClosed() then
      return
    else
      failures[code] = (failures[code] or 0) + 1
    end
  end
end

local function report(client)
  local rounds = 0
  repeat
    co.sleep(1000)
    rounds = rounds + 1
    local line = { ("%d calls/s, %d connections"):format(answers, #client:Peers()) }
    for code, count in pairs(failures) do
      line[#line + 1] = ("%d %s"):format(count, code)
    end
    print(table.concat(line, ", "))
    answers, failures = 0, {}
  until rounds == SECONDS
end

--- The address of a server that is started for us, and the program.
local function start_server()
  local lua = arg[-1]
  local program = assert(chuck.io.popen({ lua, (arg[0]:gsub("rpcclient", "rpcserver")) }))
  return assert(program.stdout:ReadLine(10000)), program
end

co.run(function()
  local addr, program = arg[1], nil
  if not addr then
    addr, program = start_server()
  end
  local client = rpc.pool(addr, {
    size = CONNECTIONS,
    services = {
      load = function(calls)
        print(("the server has answered %d calls in a second"):format(calls))
      end,
    },
  })
  assert(client:Ready(10000))
  for n = 1, CALLERS do
    co.spawn(work, client, n)
  end
  report(client)
  client:Close()
  if program then
    program:Close()
  end
end)
