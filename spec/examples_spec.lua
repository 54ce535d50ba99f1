--- Every program in examples/ runs, and ends by itself.
local chuck = require("chuck")

local child = require("spec.helper.child")
local redis = require("spec.helper.redis")

--- The examples, sorted by name.
local function examples()
  local paths = {}
  for path in child.shell("ls examples/*.lua").output:gmatch("examples/[%w_]+%.lua") do
    paths[#paths + 1] = path
  end
  return paths
end

--- What examples print when there is a server of Redis.
local OF_REDIS = {
  ["examples/redis_callback.lua"] = "heard 30 bytes",
  ["examples/redis_tasks.lua"] = "5000 increments by 50 tasks",
}

local function needs_redis(path)
  return path:find("redis", 1, true) ~= nil
end

--- What an example needs beside us: the words before it that say where it is.
local function needs(path)
  if not needs_redis(path) then
    return ""
  end
  return ("REDIS_URL=redis://%s "):format(redis.shared().address)
end

--- How many run at a time: they wait more than they work.
local AT_ONCE = 5

--- Runs one; what it came to.
local function outcome(path)
  local run = "%sCHUCK_EXAMPLE_SECONDS=1 DEMO_SECONDS=1 timeout 20 '%s' %s"
  local line = run:format(needs(path), child.lua, path)
  local program = assert(chuck.io.popen({ "sh", "-c", line }, { stderr = "stdout" }))
  local output = program:ReadAll()
  return { output = output, status = program:Wait() }
end

--- Runs all of them; what each came to, by path. Those that share a server of Redis take turns.
local function run_all(paths)
  local results, alone = {}, chuck.co.mutex()
  chuck.co.run(function()
    local workers = chuck.co.pool(AT_ONCE)
    for _, path in ipairs(paths) do
      workers:Submit(function()
        if needs_redis(path) then
          alone:Lock()
        end
        results[path] = outcome(path)
        if needs_redis(path) then
          alone:Unlock()
        end
      end)
    end
    workers:Drain()
  end)
  return results
end

describe("the examples", function()
  local results

  setup(function()
    results = run_all(examples())
  end)

  teardown(redis.finish)

  it("are there", function()
    assert.is_true(#examples() > 0)
  end)

  for _, path in ipairs(examples()) do
    it(path .. " ends by itself with status 0", function()
      local result = results[path]
      assert.are.equal(0, result.status, result.output)
      assert.matches(OF_REDIS[path] or "", result.output)
    end)
  end

  for path in pairs(OF_REDIS) do
    it(path .. " says so when there is no server", function()
      local run = "REDIS_URL=redis://127.0.0.1:1 timeout 10 '%s' %s"
      local result = child.shell(run:format(child.lua, path))
      assert.are.equal(0, result.status, result.output)
      assert.matches("no server to talk to", result.output)
    end)
  end
end)
