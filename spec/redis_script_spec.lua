--- Scripts: by their SHA-1 where the server has them, by their source where it does not.
local chuck = require("chuck")
local co, redis = chuck.co, chuck.redis
local compat = require("chuck.support.compat")

local servers = require("spec.helper.redis")
local tasks = require("spec.helper.tasks")

local own, pack = tasks.own, compat.pack

local ECHO = "return { KEYS[1], ARGV[1], ARGV[2] or '-' }"

local function client_of(server, options)
  options = options or {}
  options.address = server.address
  return own(redis.client(options))
end

--- How often the server has carried out a command.
local function calls(server, name)
  local line = server:Cli("INFO", "commandstats"):match("cmdstat_" .. name .. ":calls=(%d+)")
  return tonumber(line) or 0
end

describe("a script", function()
  teardown(servers.finish)

  it(
    "is loaded once, and called by its name from then on",
    tasks.spec(function()
      local server = servers.shared()
      server:Cli("CONFIG", "RESETSTAT")
      local client, other = client_of(server), client_of(server)
      local script = redis.script(ECHO)
      assert.are.same({ "k", "1", "x" }, client:Run(script, { "k" }, { 1, "x" }))
      assert.are.same({ "k", "2", "-" }, other:Run(script, { "k" }, { 2 }))
      assert.are.equal(7, other:Run(redis.script("return 7")))
      assert.are.equal(2, calls(server, "script|load"))
      assert.are.equal(3, calls(server, "evalsha"))
      assert.are.equal(0, calls(server, "eval"))
    end)
  )

  it(
    "is loaded again where it is gone",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      local script = redis.script(ECHO)
      assert(client:Run(script, { "k" }, { 1 }))
      assert(client:ScriptFlush())
      assert.are.same({ "k", "2", "-" }, client:Run(script, { "k" }, { 2 }))
      server:Cli("CONFIG", "RESETSTAT")
      assert.are.same({ "k", "3", "-" }, client:Run(script, { "k" }, { 3 }))
      assert.are.equal(0, calls(server, "eval"))
    end)
  )

  it(
    "runs on a server that was started again",
    tasks.spec(function()
      local server = servers.server()
      local client = client_of(server, { backoff_ms = 5 })
      local script = redis.script(ECHO)
      assert(client:Run(script, { "k" }, { 1 }))
      server:Restart()
      tasks.wait("the connection", function()
        return client:Run(script, { "k" }, { 2 }) ~= nil
      end)
    end)
  )

  it(
    "runs in pipelines and transactions, whether the server has it or not",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      local fresh, known = redis.script(ECHO), redis.script("return ARGV[1]")
      assert.are.equal("1", client:Run(known, {}, { 1 }))
      assert(client:ScriptFlush())
      local function fill(p)
        p:Set("a", 1)
        for i = 1, 2 do
          p:Run(known, {}, { i }):Run(fresh, { "k" }, { i })
        end
        p:Get("a")
      end
      local expected = { "OK", "1", { "k", "1", "-" }, "2", { "k", "2", "-" }, "1" }
      assert.are.same(expected, client:Pipeline(fill))
      assert(client:ScriptFlush())
      assert.are.same(expected, (client:Multi(fill)))
      assert(client:Watch("x", function(session)
        assert.are.equal("w", session:Run(known, {}, { "w" }))
      end))
    end)
  )

  it(
    "tells its errors apart",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local answer = pack(client:Run(redis.script("return redis.call('LPUSH', KEYS[1])"), { "a" }))
      assert.is_nil(answer[1])
      assert.matches("Wrong number of args", answer[2])
      assert.are.equal("ERR", answer[3])
      assert.are.equal("ERR", (select(3, client:Run(redis.script("this is no Lua")))))
      assert.are.same({ n = 1 }, pack(client:Run(redis.script("return nil"))))
      local failing = redis.script("return redis.error_reply('MINE of my own')")
      assert.are.equal("MINE", (select(3, client:Run(failing))))
    end)
  )

  it(
    "is plain Eval and FCall with lists of keys and arguments, or as the server has it",
    tasks.spec(function()
      local client = client_of(servers.shared())
      assert.are.same({ "k", "1", "-" }, client:Eval(ECHO, { "k" }, { 1 }))
      assert.are.same({ "k", "1", "-" }, client:eval(ECHO, 1, "k", 1))
      assert.are.equal(7, client:Eval("return 7"))
      assert.are.same({ "k", "1", "-" }, client:Pipeline():Eval(ECHO, { "k" }, { 1 }):Execute()[1])
      local library = "#!lua name=mine\n"
        .. "redis.register_function('twice', function(keys, args) return args[1] * 2 end)"
      assert.are.equal("mine", client:FunctionLoad(library))
      assert.are.equal(8, client:FCall("twice", {}, { 4 }))
      assert.are.equal(8, client:FCall("twice", 0, 4))
      local sha = client:ScriptLoad(ECHO)
      assert.are.same({ "k", "1", "-" }, client:EvalSha(sha, { "k" }, { 1 }))
      assert.are.equal("NOSCRIPT", (select(3, client:EvalSha(("0"):rep(40), {}))))
    end)
  )

  it(
    "runs although its client changes replies",
    tasks.spec(function()
      local client = client_of(servers.shared(), {
        replies = function(_, value)
          return { value }
        end,
      })
      assert.are.same({ "1" }, client:Run(redis.script("return ARGV[1]"), {}, { 1 }))
    end)
  )

  it(
    "ends with its task",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      assert(client:Ready())
      server:Freeze()
      local waiting = tasks.parked(client.Run, client, redis.script("return 1"))
      waiting.task:Cancel()
      server:Thaw()
      assert.are.equal("PONG", client:Ping())
      assert.is_false(waiting.done)
    end)
  )

  it(
    "blames the caller's line for wrong arguments",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local script = redis.script("return 1")
      for message, wrong in pairs({
        ["bad argument #1 to 'script' %(string expected, got nil%)"] = function()
          redis.script()
        end,
        ["bad argument #1 to 'Run' %(redis.script expected, got string%)"] = function()
          client:Run("return 1")
        end,
        ["bad argument #1 to 'Run' %(redis.script expected, got nil%)"] = function()
          client:Pipeline():Run()
        end,
        ["bad argument #2 to 'Run' %(list expected, got string%)"] = function()
          client:Run(script, "k")
        end,
        ["bad argument #3 to 'Run' %(string or number expected in place 2"] = function()
          client:Run(script, {}, { 1, true })
        end,
        ["bad argument #3 to 'Eval' %(list expected, got 5%)"] = function()
          client:Eval("return 1", { "k" }, 5)
        end,
        ["bad argument #1 to 'Eval'"] = function()
          client:Eval()
        end,
      }) do
        local fine, why = co.pcall(wrong)
        assert(not fine, message)
        assert.matches("^%S*redis_script_spec.lua:%d+: " .. message, why)
      end
    end)
  )
end)
