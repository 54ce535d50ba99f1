--- Every program in examples/ runs, and ends by itself.
local child = require("spec.helper.child")
local servers = require("spec.helper.redis")

--- The examples, sorted by name.
local function examples()
  local paths = {}
  for path in child.shell("ls examples/*.lua").output:gmatch("examples/[%w_]+%.lua") do
    paths[#paths + 1] = path
  end
  return paths
end

--- Programs that talk to a server of Redis, and what they print when there is one.
local OF_REDIS = {
  ["examples/redis_callback.lua"] = "heard 30 bytes",
  ["examples/redis_tasks.lua"] = "5000 increments by 50 tasks",
}

describe("the examples", function()
  teardown(servers.finish)

  it("are there", function()
    assert.is_true(#examples() > 0)
  end)

  for _, path in ipairs(examples()) do
    it(path .. " ends by itself with status 0", function()
      local run = "CHUCK_EXAMPLE_SECONDS=1 DEMO_SECONDS=1 %s timeout 10 '%s' %s"
      local is_of_redis = path:find("redis", 1, true)
      local place = is_of_redis and "CHUCK_REDIS_PORT=" .. servers.shared().port or ""
      local result = child.shell(run:format(place, child.lua, path))
      assert.are.equal(0, result.status, result.output)
      if OF_REDIS[path] then
        assert.matches(OF_REDIS[path], result.output)
      end
    end)
  end

  for path in pairs(OF_REDIS) do
    it(path .. " says so when there is no server", function()
      local run = "CHUCK_REDIS_PORT=1 timeout 10 '%s' %s"
      local result = child.shell(run:format(child.lua, path))
      assert.are.equal(0, result.status, result.output)
      assert.matches("no server to talk to", result.output)
    end)
  end
end)
