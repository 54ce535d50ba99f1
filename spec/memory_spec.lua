--- Lifetimes: what the collector takes, and when; the end of a Lua state with everything open.
local chuck = require("chuck")

local check = require("spec.helper.check")
local scenes = require("spec.helper.scene")

local function nothing() end

--- A program that opens one of everything, all registered with `engine` and full of work.
local EVERYTHING = [[
  local chuck = require("chuck")
  local check = require("spec.helper.check")
  local engine = chuck.engine()
  local near, far = check.pair()
  near, far = chuck.connection(near, 4096), chuck.connection(far, 4096)
  local function callback() return engine, near, far end
  near:Add2Engine(engine, callback)
  far:Add2Engine(engine, callback)
  near:SetHighWater(10, callback)
  near:SetRecvTimeout(1000)
  near:Send(chuck.packet.rawpacket(("x"):rep(10000000)), callback)
  local acceptor = chuck.acceptor((check.listener()))
  acceptor:Add2Engine(engine, callback)
  local connector = chuck.connector(check.socket(), 1000)
  connector:Add2Engine(engine, callback)
  local timer = chuck.RegTimer(engine, 1000, callback)
  local signaler = chuck.signal.signaler(chuck.signal.SIGUSR1)
  signaler:Register(engine, callback)
  engine:Post(callback)
  engine:SetErrorHandler(callback)
  local wheel = chuck.TimingWheel()
  wheel:Register(1, callback)
  local packet = chuck.packet.wpacket(10)
  packet:WriteStr(("y"):rep(1000))
  local read, raw = chuck.packet.rpacket(packet), chuck.packet.rawpacket(("z"):rep(1000))
  local objects = {
    engine, near, far, acceptor, connector, timer, signaler, wheel, packet, read, raw,
  }
]]

--- Makes `on_end(f)`, which runs `f` when Lua collects what it returns.
local ON_END = [[
  local function on_end(f)
    if rawget(_G, "newproxy") then
      local proxy = newproxy(true)
      getmetatable(proxy).__gc = f
      return proxy
    end
    return setmetatable({}, { __gc = f })
  end
]]

--- Runs parts of a program as a child that must end in order, with nothing on standard error.
local function ends_in_order(...)
  local status, out, err = check.child(table.concat({ ... }, "\n"))
  assert.are.same({ 0, "" }, { status, err })
  return out
end

describe("the end of a Lua state", function()
  it("with everything open and registered is in order", function()
    ends_in_order(EVERYTHING)
  end)

  it("in the middle of a callback is in order, by os.exit", function()
    ends_in_order(EVERYTHING, "engine:Post(function() os.exit(0) end) engine:Run(5000) os.exit(3)")
  end)

  it("in the middle of a callback, with the state closed, is in order", function()
    -- The second argument of os.exit exists from 5.2 on; without it nothing is closed.
    ends_in_order(
      EVERYTHING,
      "engine:Post(function() os.exit(0, true) end) engine:Run(5000) os.exit(3)"
    )
  end)

  it("by an error that nobody catches is in order", function()
    local status, _, err = check.child(EVERYTHING .. '\nerror("on purpose")')
    assert.are.same({ 1, true }, { status, err:find("on purpose", 1, true) ~= nil })
  end)

  it("with the objects in globals, cycles and coroutines is in order", function()
    ends_in_order(
      EVERYTHING,
      [[
        everything = objects
        objects.self = objects
        co = coroutine.create(function() coroutine.yield(objects) end)
        coroutine.resume(co)
      ]]
    )
  end)

  it("lets finalizers call every method of every object", function()
    local out = ends_in_order(
      EVERYTHING,
      ON_END,
      [[
        local function use_all()
          for _, object in ipairs(objects) do
            for name, method in pairs(debug.getmetatable(object).__index) do
              if name ~= "Run" then
                pcall(method, object)
                pcall(method, object, 1)
                pcall(method, object, engine, callback)
                pcall(method, object, packet, callback)
              end
            end
            tostring(object)
          end
          pcall(engine.Run, engine, 0)
        end
        -- Lua finalizes in the reverse order of creation: one before and one after the objects.
        first = on_end(function() use_all() print("used") end)
      ]]
    )
    assert.are.equal("used\n", out)
  end)

  it("lets finalizers made before everything call natives of finalized objects", function()
    local out = ends_in_order(
      ON_END,
      [[
        local objects = {}
        last = on_end(function()
          local worked = 0
          for _, object in ipairs(objects) do
            for name, method in pairs(debug.getmetatable(object).__index) do
              if name ~= "Run" then
                worked = worked + (pcall(method, object, 1) and 1 or 0)
                pcall(method, object, object, print)
              end
            end
            pcall(tostring, object)
          end
          print("used", worked > 0)
        end)
      ]],
      "do "
        .. EVERYTHING:gsub("local objects = ", "objects[1] = nil for _, o in ipairs(")
        .. [[
        ) do objects[#objects + 1] = o end
      end]]
    )
    assert.is_truthy(out:find("^used\t"))
  end)

  it("lets finalizers make new objects, and run a new engine", function()
    local out = ends_in_order(
      EVERYTHING,
      ON_END,
      [[
        last = on_end(function()
          local late = chuck.engine()
          chuck.RegTimer(late, 1, function() print("fired") late:Stop() end)
          late:Run(5000)
          chuck.connection(check.socket(), 10):Add2Engine(late, print)
          chuck.packet.wpacket():WriteTab({ 1 })
        end)
      ]]
    )
    assert.are.equal("fired\n", out)
  end)
end)

describe("require", function()
  it("inside a coroutine that is then collected leaves a module that works", function()
    local out = ends_in_order([[
      local chuck
      do
        local co = coroutine.create(function() chuck = require("chuck") end)
        assert(coroutine.resume(co))
        co = nil
      end
      for _ = 1, 3 do collectgarbage() end
      local junk = {}
      for n = 1, 10000 do junk[n] = { n } end
      local engine = chuck.engine()
      chuck.RegTimer(engine, 1, function() collectgarbage() print("fired") engine:Stop() end)
      engine:Run(5000)
      engine:SetErrorHandler(function(err) print(err.code) end)
      engine:Post(function() error({ code = 7 }) end)
      engine:Run(0)
    ]])
    assert.are.equal("fired\n7\n", out)
  end)

  it("of an engine that a dead coroutine has run leaves an engine that works", function()
    local engine, fired = chuck.engine(), 0
    for _ = 1, 3 do
      coroutine.wrap(function()
        chuck.RegTimer(engine, 1, function()
          fired = fired + 1
          engine:Stop()
          return -1
        end)
        check.run(engine)
      end)()
      check.collect()
    end
    engine:Close()
    assert.are.equal(3, fired)
  end)
end)

describe("a native at the end of the stack", function()
  it("raises, as Lua does, without a word on standard error", function()
    local out = ends_in_order([[
      local chuck = require("chuck")
      local packet, engine = chuck.packet, chuck.engine()
      local made = packet.wpacket()
      made:WriteTab({ 1, { 2 } })
      local calls = {
        function() packet.wpacket() end,
        function() packet.rpacket(made):ReadTab() end,
        function() engine:Stats() end,
        function() engine:Run(0) end,
        function() packet.wpacket():WriteTab({ { {} } }) end,
      }
      for _, call in ipairs(calls) do
        -- Wide frames end the stack soon, each at another slot.
        for pad = 150, 170 do
          local list = {}
          for n = 1, pad do list[n] = n end
          local function deeper(...)
            call()
            return 1 + deeper(...)
          end
          local fine, why = pcall(deeper, (unpack or table.unpack)(list))
          if fine or why:find("internal error") then print(why) os.exit(1) end
        end
      end
      print("alive")
    ]])
    assert.are.equal("alive\n", out)
  end)
end)

describe("collectgarbage", function()
  for _, scene in ipairs(scenes) do
    it("in " .. scene.name .. " harms nothing", function()
      local engine, ran = chuck.engine(), false
      scene.arrange(engine, function()
        check.collect()
        ran = true
        engine:Stop()
      end)
      check.run(engine)
      engine:Close()
      assert.is_true(ran)
    end)
  end

  it("in a wheel's callback harms nothing", function()
    local ran = false
    local wheel = chuck.TimingWheel()
    wheel:Register(0, function()
      check.collect()
      ran = true
      return -1
    end)
    local give_up = chuck.systick() + check.DEADLINE
    repeat
      wheel:Tick()
    until ran or chuck.systick() > give_up
    assert.is_true(ran)
  end)

  it("does not take what is registered: both ends of a talk, and the engine that runs", function()
    local engine, got = chuck.engine(), nil
    local near, far = check.pair()
    chuck.connection(far, 100):Add2Engine(engine, function(_, packet)
      got = got or packet
      engine:Stop()
    end)
    near = chuck.connection(near, 100)
    near:Add2Engine(engine, nothing)
    near:Send(chuck.packet.rawpacket("hello"))
    near = nil -- luacheck: ignore
    check.collect()
    check.run(engine)
    engine:Close()
    assert.are.equal("hello", got:ReadBin())
  end)
end)

describe("nothing is left", function()
  local before

  before_each(function()
    check.collect()
    before = check.descriptors()
  end)

  --- Runs `cycle(alive)` 1000 times, each noting in `alive` what should go; counts what stays.
  local function left_of(cycle)
    local alive = setmetatable({}, { __mode = "k" })
    for n = 1, 1000 do
      cycle(alive)
      if n % 100 == 0 then
        check.collect()
      end
    end
    return check.count(alive)
  end

  local function connection()
    return chuck.connection(check.socket(), 100)
  end

  local endings = {
    ["was closed"] = function(_, one)
      one:Close()
    end,
    ["left its engine"] = function(_, one)
      one:RemoveEngine()
    end,
    ["was closed with its engine"] = function(engine)
      engine:Close()
    end,
    ["was dropped with its engine"] = nothing,
  }

  for name, finish in pairs(endings) do
    it("of 1000 cycles connection -> closure -> connection when it " .. name, function()
      local left = left_of(function(alive)
        local engine, one = chuck.engine(), connection()
        local function callback()
          return one, engine
        end
        one:Add2Engine(engine, callback)
        one:SetHighWater(10, callback)
        one:Send(chuck.packet.rawpacket("x"), callback)
        alive[one], alive[callback], alive[engine] = true, true, true
        finish(engine, one)
      end)
      assert.are.same({ 0, before }, { left, check.descriptors() })
    end)
  end

  it("of 1000 cycles when the peer ends them, in an engine that lives on", function()
    local engine = chuck.engine()
    local left = left_of(function(alive)
      local near, far = check.pair()
      chuck.socket_helper.close(far)
      local one, ended = chuck.connection(near, 100), false
      local function callback()
        ended = true
        return one
      end
      one:Add2Engine(engine, callback)
      alive[one], alive[callback] = true, true
      check.run_until(engine, function()
        return ended
      end)
    end)
    engine:Close()
    assert.are.same({ 0, before }, { left, check.descriptors() })
  end)

  it("open of a connection whose last callback stops the engine, when Run returns", function()
    local engine = chuck.engine()
    local near, far = check.pair()
    chuck.socket_helper.close(far)
    chuck.connection(near, 100):Add2Engine(engine, function()
      engine:Stop()
    end)
    check.run(engine)
    local open = engine:Stats().open
    engine:Close()
    assert.are.equal(0, open)
  end)

  it("of connections that never had an engine, with callbacks that hold them", function()
    local left = left_of(function(alive)
      local one = connection()
      local function callback()
        return one
      end
      one:Send(chuck.packet.rawpacket("x"), callback)
      one:SetHighWater(10, callback)
      alive[one], alive[callback] = true, true
    end)
    assert.are.same({ 0, before }, { left, check.descriptors() })
  end)

  it("of an engine that was dropped with everything registered", function()
    local alive = setmetatable({}, { __mode = "k" })
    -- A function of its own, so that no stack slot holds on.
    local function register_everything()
      local engine = chuck.engine()
      local signaler = chuck.signal.signaler(chuck.signal.SIGUSR1)
      local acceptor = chuck.acceptor((check.listener()))
      local connector, one = chuck.connector(check.socket(), 1000), connection()
      local function callback()
        return engine, one, acceptor, connector, signaler
      end
      signaler:Register(engine, callback)
      for _, object in ipairs({ acceptor, connector, one }) do
        object:Add2Engine(engine, callback)
        alive[object] = true
      end
      alive[chuck.RegTimer(engine, 1000, callback)] = true
      engine:Post(callback)
      engine:SetErrorHandler(callback)
      alive[engine], alive[signaler], alive[callback] = true, true, true
    end
    register_everything()
    assert.are.same({ 0, before }, { check.count(alive), check.descriptors() })
  end)

  it("of timers that ended, of posted functions that ran, and of finished sends", function()
    local engine = chuck.engine()
    local near, far = check.pair()
    near, far = chuck.connection(near, 100), chuck.connection(far, 100)
    near:Add2Engine(engine, nothing)
    far:Add2Engine(engine, nothing)
    local alive, ran = setmetatable({}, { __mode = "k" }), 0
    local function held()
      local function callback()
        ran = ran + 1
        return -1, alive
      end
      alive[callback] = true
      return callback
    end
    for _ = 1, 100 do
      chuck.RegTimer(engine, 1, held())
      engine:Post(held())
      near:Send(chuck.packet.rawpacket("x"), held())
    end
    check.run_until(engine, function()
      return ran == 300
    end)
    assert.are.equal(0, check.count(alive))
    engine:Close()
  end)
end)
