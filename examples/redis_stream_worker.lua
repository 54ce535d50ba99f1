--- Jobs in a stream of Redis: two workers share them, one job fails until it is put away.
---
---     lua examples/redis_stream_worker.lua                 # REDIS_URL, or redis://127.0.0.1:6379
local chuck = require("chuck")
local co, redis = chuck.co, chuck.redis

local JOBS = 20

co.run(function()
  local client = redis.client(os.getenv("REDIS_URL") or "redis://127.0.0.1:6379")
  local ready, message = client:Ready(2000)
  if not ready then
    print("no server: " .. message)
    return client:Close()
  end
  local key = ("chuck:example:%d"):format(math.floor(co.now()))
  local dead = key .. ":dead"
  co.on_error(function(problem)
    print("failed: " .. tostring(problem))
  end)

  local done = 0
  local function work(name, jobs)
    local finished, why = jobs:Consume(function(entry)
      if entry.fields.n == "13" then
        error("nobody can do job 13", 0)
      end
      co.sleep(2)
      done = done + 1
    end, { workers = 2, claim_idle_ms = 30, max_deliveries = 2, dead_letter = dead })
    print(name, finished and "has ended" or why)
  end

  local producer = redis.stream(client, key)
  for n = 1, JOBS do
    assert(producer:Add({ n = n }, { maxlen = 1000 }))
  end
  local streams = {}
  co.scope(function(workers)
    for _, name in ipairs({ "ada", "bob" }) do
      local jobs = redis.stream(client, key, { group = "workers", consumer = name, count = 2 })
      streams[#streams + 1] = jobs
      workers:Spawn(work, name, jobs)
    end
    while done < JOBS - 1 or client:XLen(dead) == 0 do
      co.sleep(5)
    end
    for _, jobs in ipairs(streams) do
      jobs:Close()
    end
  end, { deadline_ms = 5000 })
  print(("%d jobs are done, %d could not be"):format(done, client:XLen(dead)))
  client:Del(key, dead)
  client:Close()
end)
