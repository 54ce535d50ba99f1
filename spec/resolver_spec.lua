--- The resolver: answers that come later, once, and never hold the loop.
local chuck = require("chuck")
local check = require("spec.helper.check")
local child = require("spec.helper.child")
local net = require("spec.helper.net")

local resolver = chuck.resolver

describe("the resolver", function()
  local world

  before_each(function()
    world = net.open()
    resolver.flush()
  end)

  after_each(function()
    resolver.configure({ threads = 4, cache_ms = 30000, negative_ms = 3000, cache_size = 1024 })
    world:close()
  end)

  --- Asks; the list of what the callback was given, and the query.
  local function ask(host, options, engine)
    local told = {}
    local query = assert(resolver.resolve(engine or world.engine, host, function(...)
      told[#told + 1] = { n = select("#", ...), ... }
    end, options))
    return told, query
  end

  local function answer_of(host, options)
    local told = ask(host, options)
    world:wait("an answer", function()
      return told[1]
    end)
    return check.unpack(told[1], 1, told[1].n)
  end

  it("answers with the addresses of a host, and nothing else", function()
    local found, message, code = answer_of("localhost", { family = "inet" })
    assert.are.same({ "127.0.0.1" }, found)
    assert.is_nil(message)
    assert.is_nil(code)
  end)

  it("answers a literal with itself, and calls nobody before the next pass", function()
    for _, ip in ipairs({ "127.0.0.1", "::1", "2001:db8::7" }) do
      local told = ask(ip)
      assert.are.same({}, told)
      world:wait("an answer", function()
        return told[1]
      end)
      assert.are.same({ ip }, told[1][1])
    end
  end)

  it("answers with what it knows already in the next pass, not before", function()
    answer_of("localhost")
    local told = ask("localhost")
    assert.are.same({}, told)
    world.engine:Run(0)
    assert.are.equal(1, #told)
  end)

  it("does not tell capitals apart", function()
    assert.are.same((answer_of("localhost")), (answer_of("LocalHost")))
  end)

  it("answers nil, a message with the name, and ENOENT for a host that nobody knows", function()
    local found, message, code = answer_of("no host.invalid")
    assert.is_nil(found)
    assert.truthy(message:find("no host.invalid", 1, true))
    assert.are.equal("ENOENT", code)
  end)

  it("answers ENOENT for a literal of the other family", function()
    assert.are.equal("ENOENT", (select(3, answer_of("127.0.0.1", { family = "inet6" }))))
    assert.are.equal("ENOENT", (select(3, answer_of("::1", { family = "inet" }))))
    assert.are.same({ "::1" }, (answer_of("::1", { family = "inet6" })))
  end)

  it("answers EINVAL for what cannot be the name of a host", function()
    for _, host in ipairs({ "", "a\0b", ("x"):rep(254), "\255\254" }) do
      local found, message, code = answer_of(host)
      assert.is_nil(found)
      assert.are.equal("string", type(message))
      assert.are.equal("EINVAL", code)
    end
    assert.are_not.equal("EINVAL", (select(3, answer_of(("x"):rep(253)))))
  end)

  it("raises for options that it does not understand", function()
    for _, options in ipairs({
      { family = "inet7" },
      { family = 4 },
      { timeout_ms = -1 },
      { timeout_ms = "5" },
      { cache = "no" },
    }) do
      assert.has_error(function()
        resolver.resolve(world.engine, "localhost", net.ignore, options)
      end)
    end
    for _, settings in ipairs({
      { threads = 0 },
      { threads = 65 },
      { cache_size = -1 },
      { cache_ms = -1 },
      { negative_ms = {} },
    }) do
      assert.has_error(function()
        resolver.configure(settings)
      end)
    end
  end)

  it("asks again when the cache is not to be used, or was forgotten, or has no room", function()
    for _, options in ipairs({ {}, { cache = false } }) do
      assert.are.same({ "127.0.0.1" }, (answer_of("localhost", options)))
    end
    resolver.flush()
    assert.are.same({ "127.0.0.1" }, (answer_of("localhost")))
    resolver.configure({ cache_size = 0 })
    assert.are.same({ "127.0.0.1" }, (answer_of("localhost")))
    resolver.configure({ cache_size = 1, cache_ms = 0 })
    assert.are.same({ "127.0.0.1" }, (answer_of("localhost")))
  end)

  it("answers each of many at once, exactly once", function()
    local hosts = { "localhost", "127.0.0.1", "LOCALHOST", "no host.invalid", "" }
    local all = {}
    for n = 1, 200 do
      all[n] = ask(hosts[n % #hosts + 1], { cache = n % 2 == 0 })
    end
    world:wait("all answers", function()
      for _, told in ipairs(all) do
        if not told[1] then
          return false
        end
      end
      return true
    end)
    world:run(10)
    for _, told in ipairs(all) do
      assert.are.equal(1, #told)
    end
    assert.are.equal(0, world.engine:Stats().open)
  end)

  it("keeps answers of two engines apart", function()
    local other = world:new_engine()
    local here, there = ask("localhost"), ask("localhost", nil, other)
    world:wait("the answer here", function()
      return here[1]
    end)
    assert.are.equal(0, #there)
    world:wait("the answer there", function()
      return there[1]
    end, other)
    assert.are.same(here[1], there[1])
  end)

  describe("a query", function()
    it("that is cancelled is not told, and says whether it was waiting", function()
      local told, query = ask("localhost")
      assert.is_true(query:Cancel())
      assert.is_false(query:Cancel())
      world:run(20)
      assert.are.same({}, told)
      assert.are.equal(0, world.engine:Stats().open)
    end)

    it("that was answered has nothing to cancel", function()
      local told, query = ask("127.0.0.1")
      world:wait("the answer", function()
        return told[1]
      end)
      assert.is_false(query:Cancel())
    end)

    it("may be cancelled in its own callback, and in another one's", function()
      local first, second, calls
      calls = 0
      first = resolver.resolve(world.engine, "127.0.0.1", function()
        calls = calls + 1
        assert.is_false(first:Cancel())
        assert.is_true(second:Cancel())
      end)
      second = resolver.resolve(world.engine, "::1", function()
        calls = calls + 100
      end)
      world:run(20)
      assert.are.equal(1, calls)
    end)

    it("may be asked in a callback", function()
      local calls = 0
      local function again(found)
        assert.are.same({ "127.0.0.1" }, found)
        calls = calls + 1
        if calls < 50 then
          resolver.resolve(world.engine, calls % 2 == 0 and "localhost" or "127.0.0.1", again)
        end
      end
      resolver.resolve(world.engine, "localhost", again)
      world:wait("fifty answers", function()
        return calls == 50
      end)
    end)

    it("is told EENGCLOSE, once, when its engine is closed", function()
      local told = ask("localhost", { cache = false })
      local known = ask("127.0.0.1")
      world.engine:Close()
      for _, one in ipairs({ told, known }) do
        assert.are.equal(1, #one)
        assert.is_nil(one[1][1])
        assert.are.equal("EENGCLOSE", one[1][3])
      end
      local query, _, code = resolver.resolve(world.engine, "localhost", net.ignore)
      assert.is_nil(query)
      assert.are.equal("EENGCLOSE", code)
    end)

    it("may close the engine in its callback", function()
      local told = ask("::1")
      resolver.resolve(world.engine, "127.0.0.1", function()
        world.engine:Close()
      end)
      world.engine:Run(1000)
      assert.are.equal(1, #told)
    end)

    it("waits for the next run when the engine stops first", function()
      resolver.resolve(world.engine, "127.0.0.1", function()
        world.engine:Stop()
      end)
      local told = ask("::1")
      world.engine:Run(1000)
      assert.are.equal(0, #told)
      world.engine:Run(0)
      assert.are.equal(1, #told)
    end)

    it("lives without being held, and goes once it was answered", function()
      local told = {}
      local weak = setmetatable({}, { __mode = "v" })
      weak[1] = resolver.resolve(world.engine, "localhost", function(found)
        told[1] = found
      end)
      assert.are.equal(1, check.count(weak))
      world:wait("the answer", function()
        return told[1]
      end)
      assert.are.equal(0, check.count(weak))
    end)

    it("that raises in its callback reports it, and goes", function()
      world.keeps_errors = true
      resolver.resolve(world.engine, "127.0.0.1", function()
        error("raised on purpose")
      end)
      world:wait("the error", function()
        return world:take_errors()[1]
      end)
      assert.are.equal(0, world.engine:Stats().open)
    end)

    it("goes with an engine that is collected", function()
      local weak = setmetatable({}, { __mode = "v" })
      -- In a coroutine, so that nothing of it is left on this stack.
      coroutine.wrap(function()
        local engine = chuck.engine()
        weak[1] = resolver.resolve(engine, "localhost", function()
          return engine
        end)
      end)()
      assert.are.equal(0, check.count(weak))
    end)
  end)

  it("has grown by nothing after ten thousand queries", function()
    local function burst(count)
      local answered = 0
      for n = 1, count do
        -- Two thousand names, more than are remembered; most are nobody's.
        local host = n % 4 == 0 and "localhost" or ("no host %d"):format(n % 2000)
        resolver.resolve(world.engine, host, function()
          answered = answered + 1
        end)
        if n % 500 == 0 then
          world:wait("the answers", function()
            return answered == n
          end)
        end
      end
      check.collect()
      return collectgarbage("count")
    end
    local before = burst(2000)
    local after = burst(10000)
    assert.are.equal(0, world.engine:Stats().open)
    assert.is_true(after - before < 64, ("%.1f KiB more"):format(after - before))
  end)
end)

--- Programs whose resolver hangs: the file with aliases that glibc reads first never opens.
local HANGS = [[
  local chuck = require("chuck")
  local engine, resolver = chuck.engine(), chuck.resolver
  local function resolve(host, ms, callback)
    return assert(resolver.resolve(engine, host, callback, { timeout_ms = ms }))
  end
]]

local function run_hanging(program)
  local path = os.tmpname()
  os.remove(path)
  assert(child.shell("mkfifo " .. path).status == 0)
  local result = child.run(HANGS .. program, "HOSTALIASES=" .. path)
  os.remove(path)
  return result
end

local does_hang = run_hanging([[
  resolve("hangs", 200, function(_, _, code) print(code) engine:Stop() end)
  engine:Run(2000)
]]).output:find("ETIMEDOUT")

describe("a system's resolver that hangs", function()
  if not does_hang then
    pending("is only to be had with glibc's HOSTALIASES")
    return
  end

  it("is told as ETIMEDOUT, with the time, and holds neither loop nor exit", function()
    local result = run_hanging([[
      local ticks, left = 0, 20
      chuck.RegTimer(engine, 10, function() ticks = ticks + 1 end)
      for n = 1, left do
        resolve("hangs" .. n, 200, function(found, message, code)
          assert(not found and code == "ETIMEDOUT")
          assert(message == 'no address of host "hangs' .. n .. '": no answer in 200 ms', message)
          left = left - 1
        end)
      end
      while left > 0 do engine:Run(10) end
      assert(ticks >= 10)
      print("all told")
    ]])
    assert.are.equal("all told\n", result.output)
    assert.are.equal(0, result.status)
  end)

  it("lets literals and what is known pass, and other names with one thread more", function()
    local result = run_hanging([[
      local told = {}
      local function tell(found, _, code) told[#told + 1] = found and found[1] or code end
      resolve("localhost", 2000, tell)
      while #told < 1 do engine:Run(10) end
      for n = 1, 4 do resolve("hangs" .. n, 100, tell) end
      while #told < 5 do engine:Run(10) end
      resolve("127.0.0.1", 100, tell)
      while #told < 6 do engine:Run(10) end
      resolve("localhost", 100, tell)
      while #told < 7 do engine:Run(10) end
      resolver.flush()
      resolve("localhost", 100, tell)
      while #told < 8 do engine:Run(10) end
      resolver.configure({ threads = 5 })
      resolve("localhost", 2000, tell)
      while #told < 9 do engine:Run(10) end
      print(table.concat(told, " "))
    ]])
    local late = (" ETIMEDOUT"):rep(4)
    local expected = "127.0.0.1" .. late .. " 127.0.0.1 127.0.0.1 ETIMEDOUT 127.0.0.1\n"
    assert.are.equal(expected, result.output)
    assert.are.equal(0, result.status)
  end)

  it("refuses a name with ENOBUFS when a thousand wait, until some have given up", function()
    local result = run_hanging([[
      local queries, refused = {}, 0
      local function tell(_, message, code)
        assert(code == "ENOBUFS", code)
        refused = refused + 1
      end
      resolve("hangs0", 0, tell)
      for n = 1, 2000 do queries[n] = resolve("hangs" .. n, 0, tell) end
      engine:Run(0)
      assert(refused > 900 and refused < 1000, refused)
      for n = 1, 2000 do queries[n]:Cancel() end
      for n = 1, 1000 do queries[n] = resolve("again" .. n, 0, tell) end
      local before = refused
      engine:Run(0)
      assert(refused == before)
      print("fine")
    ]])
    assert.are.equal("fine\n", result.output)
    assert.are.equal(0, result.status)
  end)

  it("lets queries be cancelled, engines be closed, and the state end", function()
    local result = run_hanging([[
      local told = {}
      local function tell(_, _, code) told[#told + 1] = code end
      resolve("hangs1", 0, tell):Cancel()
      resolve("hangs1", 0, tell)
      resolve("hangs2", 0, tell)
      engine:Close()
      print(table.concat(told, " "))
      engine = chuck.engine()
      resolve("hangs1", 0, tell)
      resolve("hangs3", 0, tell)
    ]])
    assert.are.equal("EENGCLOSE EENGCLOSE\n", result.output)
    assert.are.equal(0, result.status)
  end)
end)
