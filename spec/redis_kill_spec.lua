--- Servers that are killed, held and started again while tasks write: what was acknowledged is
--- there, every call ends, and the client comes back by itself.
local chuck = require("chuck")
local check = require("spec.helper.check")
local servers = require("spec.helper.redis")
local sched = require("chuck.co.sched")
local tasks = require("spec.helper.tasks")

local co, redis = chuck.co, chuck.redis
local spec = tasks.spec

teardown(servers.finish)

--- What a call may end with when its server is killed.
local TOLD = {
  EOF = true,
  ECONNRESET = true,
  ECONNREFUSED = true,
  EPIPE = true,
  ETIMEDOUT = true,
  LOADING = true,
}

local function client_of(server, options)
  local all = { address = server.address, backoff_ms = 5, backoff_max_ms = 50 }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  local client = redis.client(all)
  tasks.own({
    Close = function()
      client:Close()
    end,
  })
  return client
end

--- Adds a line to the configuration that is read at the next start.
local function configure(server, line)
  local file = assert(io.open(server.folder .. "/conf", "ab"))
  file:write(line, "\n")
  file:close()
end

describe("fifty tasks that write to a server", function()
  --- Writes until `is_over()`: what was acknowledged, what was refused, and what other ends there
  --- were.
  local function write(client, state, writer)
    local n = 0
    while not state.is_over do
      n = n + 1
      local key = ("%d:%d"):format(writer, n)
      local value, message, code, err = client:Set(key, key .. " value")
      if value == "OK" then
        state.acknowledged[#state.acknowledged + 1] = key
      elseif value == nil and TOLD[code] and type(message) == "string" then
        state.failed = state.failed + 1
        assert(not err or code == "LOADING", "only the server's errors are values")
        co.sleep(1)
      else
        state.surprise = ("%s %s %s"):format(tostring(value), tostring(message), tostring(code))
      end
    end
    state.ended = state.ended + 1
  end

  local function check_all(client, keys)
    local missing = 0
    for first = 1, #keys, 1000 do
      local some = {}
      for i = first, math.min(first + 999, #keys) do
        some[#some + 1] = keys[i]
      end
      for i, value in ipairs(assert(client:MGet(some))) do
        missing = missing + (value == some[i] .. " value" and 0 or 1)
      end
    end
    assert.are.equal(0, missing)
  end

  for _, in_flight in ipairs({ "fail", "retry" }) do
    it(
      "that is killed again and again find all that was acknowledged, with " .. in_flight,
      spec(function()
        local server = servers.server({ "--appendonly", "yes", "--appendfsync", "always" })
        local client = client_of(server, { in_flight = in_flight, timeout_ms = 2000 })
        assert.is_true(client:Ready())
        local state = { acknowledged = {}, failed = 0, ended = 0, is_over = false }
        for writer = 1, 50 do
          co.spawn(write, client, state, writer)
        end
        for round = 1, 3 do
          local before = #state.acknowledged
          tasks.wait("writes", function()
            return #state.acknowledged > before + 500 or state.surprise
          end)
          if round == 2 then
            -- Held for a moment, so that commands are in flight for sure.
            server:Freeze()
            co.sleep(5)
          end
          server:Kill()
          co.sleep(20)
          server:Restart()
        end
        local before = #state.acknowledged
        tasks.wait("writes after the last start", function()
          return #state.acknowledged > before + 500 or state.surprise
        end)
        state.is_over = true
        tasks.wait("every call to end", function()
          return state.ended == 50
        end)
        assert.is_nil(state.surprise)
        check_all(client, state.acknowledged)
        local stats = client:Stats()
        assert.are.equal(3, stats.losses)
        assert.are.equal(4, stats.connects)
        assert.are.same({ 0, 0 }, { stats.in_flight, stats.waiting })
        assert.are.equal(in_flight == "fail", state.failed > 0)
        server:Kill()
      end)
    )
  end
end)

describe("commands in flight when the server is killed", function()
  local server

  setup(function()
    server = servers.server({ "--appendonly", "yes", "--appendfsync", "always" })
  end)

  --- What calls come to that the server has never read: it is held, killed and started again.
  local function outcomes(client, calls)
    assert.is_true(client:Ready())
    server:Freeze()
    local parked = {}
    for i, call in ipairs(calls) do
      parked[i] = tasks.parked(call)
    end
    server:Restart()
    for _, outcome in ipairs(parked) do
      tasks.finished(outcome)
    end
    return parked
  end

  it(
    "fail, and say that they may have been carried out",
    spec(function()
      local client = client_of(server)
      local get, set = check.unpack(outcomes(client, {
        function()
          return client:Get("a")
        end,
        function()
          return client:Set("a", "b")
        end,
      }))
      for _, outcome in ipairs({ get, set }) do
        assert.is_nil(outcome[1])
        assert.matches("127.0.0.1:%d+: .*; it may have been carried out", outcome[2])
        assert.is_true(outcome[3] == "EOF" or outcome[3] == "ECONNRESET")
      end
      assert.is_nil((client:Get("a")))
    end)
  )

  it(
    "are sent again with retry, when that does no harm",
    spec(function()
      local client = client_of(server, { in_flight = "retry" })
      client:Set("there", "yes")
      local got = outcomes(client, {
        function()
          return client:Get("there")
        end,
        function()
          return client:Set("b", "c")
        end,
        function()
          return client:Incr("n")
        end,
        function()
          return client:Set("x", "y", "NX")
        end,
        function()
          return client:Set("x", "y", { "NX" })
        end,
        function()
          return client:CallWith({ idempotent = true }, "INCR", "m")
        end,
        function()
          return client:CallWith({ idempotent = false }, "GET", "there")
        end,
      })
      assert.are.equal("yes", got[1][1])
      assert.are.equal("OK", got[2][1])
      assert.are.equal(1, got[6][1])
      for _, i in ipairs({ 3, 4, 5, 7 }) do
        assert.is_nil(got[i][1])
        assert.matches("it may have been carried out", got[i][2])
      end
      assert.are.equal(3, client:Stats().repeats)
      assert.is_nil((client:Get("n")))
    end)
  )

  it(
    "for callbacks are told, and so is on_error; nothing connects again by itself",
    spec(function()
      local told, number = {}, nil
      local err, client = redis.Connect("127.0.0.1", server.port, function(_, code)
        number = code
      end)
      assert.is_nil(err)
      server:Freeze()
      for i = 1, 100 do
        client:Execute("incr n", function(_, reply, _, code)
          told[i] = reply or code
        end)
      end
      co.sleep(1)
      server:Restart()
      tasks.wait("on_error", function()
        return number
      end)
      for i = 1, 100 do
        assert.is_true(told[i] == "EOF" or told[i] == "ECONNRESET")
      end
      assert.is_true(number == 0 or number == chuck.error.ECONNRESET)
      assert.are.equal("query error", (client:Execute("get n")))
    end)
  )
end)

describe("a server that is held", function()
  local server

  setup(function()
    server = servers.server()
  end)

  it(
    "lets calls time out, and its late replies go to nobody else",
    spec(function()
      local client = client_of(server, { timeout_ms = 50 })
      client:Set("a", "1")
      server:Freeze()
      for _ = 1, 3 do
        local value, message, code = client:Get("a")
        assert.is_nil(value)
        assert.matches("GET: 127.0.0.1:%d+: no reply in 50 ms", message)
        assert.are.equal("ETIMEDOUT", code)
      end
      local echo = tasks.parked(function()
        return client:CallWith({ timeout_ms = 5000 }, "ECHO", "mine")
      end)
      server:Thaw()
      assert.are.equal("mine", tasks.finished(echo)[1])
      assert.are.equal("1", client:CallWith({ timeout_ms = 5000 }, "GET", "a"))
      assert.are.equal(1, client:Stats().connects)
    end)
  )

  it(
    "counts as gone when it is silent for too long, and is found again",
    spec(function()
      local client = client_of(server, { timeout_ms = 2000, heartbeat_ms = 20, connect_ms = 100 })
      assert.is_true(client:Ready())
      server:Freeze()
      local value, message, code = client:Get("a")
      assert.is_nil(value)
      assert.matches("silent for 40 ms", message)
      assert.are.equal("ETIMEDOUT", code)
      server:Thaw()
      assert.are.equal("OK", client:Set("a", "2"))
    end)
  )
end)

describe("a server that is gone", function()
  it(
    "is waited for, as long as a call may take; then the call says why there is none",
    spec(function()
      local server = servers.server()
      server:Kill()
      local client = client_of(server, { timeout_ms = 50 })
      local value, message, code, err = client:Get("a")
      assert.is_nil(value)
      assert.matches("GET: .*Connection refused.*no connection in", message)
      assert.are.equal("ECONNREFUSED", code)
      assert.is_nil(err)
      local waits = tasks.parked(function()
        return client:CallWith({ timeout_ms = 10000 }, "SET", "a", "b")
      end)
      server:Restart()
      assert.are.equal("OK", tasks.finished(waits)[1])
    end)
  )

  it(
    "is waited for by no more calls than the queue has room for",
    spec(function()
      local server = servers.server()
      server:Kill()
      local client = client_of(server, { queue = 10 })
      local parked = {}
      for i = 1, 10 do
        parked[i] = tasks.parked(client.Incr, client, "n")
      end
      local value, message, code = client:Incr("n")
      assert.is_nil(value)
      assert.matches("10 commands wait for a connection already", message)
      assert.are.equal("ENOBUFS", code)
      server:Restart()
      local sum = 0
      for i = 1, 10 do
        sum = sum + tasks.finished(parked[i])[1]
      end
      assert.are.equal(55, sum)
    end)
  )

  it(
    "takes no memory, however often it is called",
    spec(function()
      local server = servers.server()
      server:Kill()
      local client = client_of(server, { timeout_ms = 1 })
      local function call(times)
        for _ = 1, times do
          for _ = 1, 50 do
            co.spawn(client.Get, client, "a")
          end
          co.sleep(2)
        end
        tasks.wait("the last", function()
          return client:Stats().waiting == 0
        end)
        for _ = 1, 4 do
          collectgarbage()
        end
        return collectgarbage("count")
      end
      local before = call(20)
      -- In KiB, for ten thousand calls; workers that are kept make some difference.
      assert.is_true(call(200) - before < 512)
    end)
  )

  it(
    "and comes back with another password is told apart",
    spec(function()
      local server = servers.server({ password = "old" })
      local client = client_of(server, { password = "old", timeout_ms = 5000 })
      assert.are.equal("OK", client:Set("a", "b"))
      configure(server, "requirepass new")
      server:Restart()
      local value, message, code, err
      local began = sched.now()
      repeat
        value, message, code, err = client:Get("a")
      until code ~= "EOF" and code ~= "ECONNRESET"
      assert.is_nil(value)
      assert.matches("WRONGPASS", message)
      assert.are.equal("WRONGPASS", code)
      assert.is_true(redis.is_error(err))
      assert.is_true(sched.now() - began < 5000)
      configure(server, "requirepass old")
      server:Restart()
      tasks.wait("the connection", function()
        return client:Set("a", "c") == "OK"
      end)
    end)
  )

  it(
    "and comes back with a password is told apart",
    spec(function()
      local server = servers.server()
      local client = client_of(server)
      assert.are.equal("OK", client:Set("a", "b"))
      configure(server, "requirepass new")
      server:Restart()
      local value, message, code
      repeat
        value, message, code = client:Get("a")
      until code ~= "EOF" and code ~= "ECONNRESET"
      assert.is_nil(value)
      assert.matches("NOAUTH", message)
      assert.are.equal("NOAUTH", code)
    end)
  )
end)
