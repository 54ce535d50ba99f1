--- Connections that are made again: when, and what calls do meanwhile. On a clock moved by hand.
local chuck = require("chuck")
local backoff = require("chuck.co.backoff")
local clock = require("spec.helper.clock")
local config = require("chuck.rpc.config")
local link = require("chuck.rpc.link")
local pipe = require("spec.helper.pipe")
local remote = require("chuck.rpc.remote")
local sched = require("chuck.co.sched")
local wire = require("chuck.rpc.wire")

local co, rpc = chuck.co, chuck.rpc

local SERVICES = {
  add = function(a, b)
    return a + b
  end,
  slow = function(ms)
    co.sleep(ms)
    return "slept"
  end,
}

--- A place whose server is up while `place.is_up`; `place.times` is when it was dialed.
local function new_place(name)
  local place = { name = name or "server", is_up = true, times = {}, served = {} }
  function place.dial()
    table.insert(place.times, sched.now())
    if place.hangs then
      co.sleep(place.hangs)
    end
    if not place.is_up then
      return nil, place.name .. ": refused", "ECONNREFUSED"
    end
    local near, far = pipe.pair()
    if not place.is_silent then
      local served = rpc.peer(far, { services = rpc.services(SERVICES), heartbeat_ms = 0 })
      served:Register(place.services or {})
      table.insert(place.served, served)
    end
    return near
  end
  --- The server's process is gone, and its connections with it.
  function place.kill()
    place.is_up = false
    for _, served in ipairs(place.served) do
      served.stream:Close()
    end
    place.served = {}
  end
  return place
end

--- A client of places, on a clock, without chance; in `play` as everything else.
local function new_client(places, options)
  options = options or {}
  options.random = options.random or function()
    return 1
  end
  local made = config.make({ heartbeat_ms = 0, timeout_ms = options.timeout_ms }, "connect", 2)
  return remote.new("connect", places, made, options)
end

--- Runs a body in a task on a clock; nothing may be left then.
local function played(body)
  return function()
    clock.run(function()
      clock.play(body)
    end)
  end
end

describe("pauses", function()
  it("are twice as long each time, up to the longest", function()
    local pause = backoff.new(100, 1000, function()
      return 1
    end)
    local times = {}
    for i = 1, 6 do
      times[i] = pause:Next()
    end
    assert.are.same({ 100, 200, 400, 800, 1000, 1000 }, times)
    pause:Reset()
    assert.are.equal(100, pause:Next())
  end)

  it("are half by chance", function()
    local least = backoff.new(100, 1000, function()
      return 0
    end)
    assert.are.equal(50, least:Next())
    assert.are.equal(100, least:Next())
  end)

  it("are never nothing, for then nobody else would run", function()
    assert.are.equal(1, backoff.new(0, 0):Next())
    local from_nothing = backoff.new(0, 1000)
    for _ = 1, 20 do
      from_nothing:Next()
    end
    assert.is_true(from_nothing:Next() >= 500)
  end)

  it("differ, and fill their range", function()
    local lowest, highest = 1000, 0
    for _ = 1, 1000 do
      local pause = backoff.new(1000, 1000):Next()
      assert.is_true(pause >= 500 and pause <= 1000)
      lowest, highest = math.min(lowest, pause), math.max(highest, pause)
    end
    assert.is_true(lowest < 550 and highest > 950, lowest .. " to " .. highest)
  end)
end)

describe("a link", function()
  it(
    "tries again after longer and longer pauses",
    played(function()
      local place = new_place()
      place.is_up = false
      local client = new_client({ place }, { backoff_max_ms = 1000 })
      co.sleep(3600)
      assert.are.same({ 0, 100, 300, 700, 1500, 2500, 3500 }, place.times)
      client:Close()
    end)
  )

  it(
    "begins with short pauses again after a connection that has lasted",
    played(function()
      local place = new_place()
      place.is_up = false
      local client = new_client({ place }, { backoff_max_ms = 1000 })
      co.sleep(1000)
      place.is_up = true
      assert.is_true(client:Ready(1000))
      co.sleep(5000)
      place.kill()
      local from = #place.times
      local began = sched.now()
      co.sleep(350)
      assert.are.equal(from + 2, #place.times)
      assert.are.equal(began + 100, place.times[from + 1])
      assert.are.equal(began + 300, place.times[from + 2])
      client:Close()
    end)
  )

  it(
    "goes on with long pauses when it is hung up on at once",
    played(function()
      local place = new_place()
      local client = new_client({ place }, {
        backoff_max_ms = 1000,
        on_connect = function(_, peer)
          peer:Close()
        end,
      })
      co.sleep(1600)
      assert.are.same({ 0, 100, 300, 700, 1500 }, place.times)
      client:Close()
    end)
  )

  it(
    "gives up a connection on which nobody says hello",
    played(function()
      local place = new_place()
      place.is_silent = true
      local client = new_client({ place }, { hello_ms = 300 })
      local done, message, code = client:Ready(350)
      assert.is_nil(done)
      assert.are.equal("ETIMEDOUT", code)
      assert.is_truthy(message:find("no hello in 300 ms", 1, true), message)
      client:Close()
    end)
  )

  it(
    "tells its hooks",
    played(function()
      local place, told = new_place(), {}
      local client
      client = new_client({ place }, {
        on_connect = function(given, peer)
          table.insert(told, given == client and "connected")
          -- The hook calls before anybody else does, also by the client.
          table.insert(told, peer:Call("add", 1, 1))
          table.insert(told, given:Call("add", 1, 2))
        end,
        on_disconnect = function(given, _, code)
          table.insert(told, given == client and code)
        end,
      })
      assert.are.equal(7, client:Call("add", 3, 4))
      place.kill()
      co.sleep(50)
      client:Close()
      assert.are.same({ "connected", 2, 3, "ESOCKCLOSE" }, told)
    end)
  )

  it(
    "tries again when on_connect raises, and reports that",
    played(function()
      local place, calls, told = new_place(), 0, {}
      co.on_error(function(problem)
        table.insert(told, problem)
      end)
      local client = new_client({ place }, {
        on_connect = function()
          calls = calls + 1
          if calls == 1 then
            error("not yet", 0)
          end
        end,
      })
      assert.are.equal(3, client:Call("add", 1, 2))
      co.on_error(nil)
      assert.are.same({ 0, 100 }, place.times)
      assert.are.same({ "not yet" }, told)
      client:Close()
    end)
  )

  it(
    "gives up an on_connect that still waits when its connection has ended",
    played(function()
      local place, calls = new_place(), 0
      local client = new_client({ place }, {
        on_connect = function()
          calls = calls + 1
          if calls == 1 then
            co.wait()
          end
        end,
      })
      co.sleep(50)
      place.kill()
      place.is_up = true
      assert.are.equal(3, client:Call("add", 1, 2))
      assert.are.equal(2, calls)
      client:Close()
    end)
  )

  it(
    "has an on_connect that waits end when it is closed",
    played(function()
      local client = new_client({ new_place() }, {
        on_connect = function()
          co.wait()
        end,
      })
      co.sleep(50)
      client:Close()
      assert.is_true(client:IsClosed())
    end)
  )

  it(
    "ends at once when its scope is cancelled before it has begun",
    played(function()
      local client
      co.scope(function(children)
        client = new_client({ new_place() })
        children:Cancel()
      end)
      assert.is_true(client:IsClosed())
      assert.are.equal("ESOCKCLOSE", select(3, client:Ready()))
      assert.are.equal("ESOCKCLOSE", select(3, client:CallAsync(print, "add", 1, 2)))
    end)
  )

  it("ends with its scope, in whatever state", function()
    for _, state in ipairs({ "up", "down", "dialing", "silent" }) do
      clock.run(function()
        clock.play(function()
          local place, client = new_place(), nil
          place.is_up = state ~= "down"
          place.is_silent = state == "silent"
          place.hangs = state == "dialing" and 1e6
          local outcome
          co.scope(function(children)
            client = new_client({ place })
            co.spawn(function()
              co.pcall(client.Call, client, "slow", 1e6)
              outcome = "ended"
            end)
            co.sleep(10)
            children:Cancel()
          end)
          assert.are.equal("ended", outcome, state)
          assert.is_true(client:IsClosed())
          assert.are.equal("ESOCKCLOSE", select(3, client:Call("add", 1, 2)))
          place.kill()
        end)
      end)
    end
  end)
end)

describe("a call without a connection", function()
  it(
    "waits for one, and for its answer, within one timeout",
    played(function()
      local place = new_place()
      place.is_up = false
      local client = new_client({ place })
      co.spawn(function()
        co.sleep(250)
        place.is_up = true
      end)
      assert.are.equal(3, client:CallWith({ timeout_ms = 400 }, "add", 1, 2))
      place.kill()
      co.sleep(1)
      place.is_up = true
      local began = sched.now()
      local done, message, code = client:CallWith({ timeout_ms = 400 }, "slow", 1000)
      assert.is_nil(done)
      assert.are.equal("ETIMEDOUT", code, message)
      assert.are.equal(400, sched.now() - began)
      client:Close()
    end)
  )

  it(
    "says after its timeout why there is none",
    played(function()
      local place = new_place()
      place.is_up = false
      local client = new_client({ place })
      local done, message, code = client:CallWith({ timeout_ms = 500 }, "add", 1, 2)
      assert.is_nil(done)
      assert.are.equal("ECONNREFUSED", code)
      assert.are.equal("add: no connection in 500 ms: server: refused", message)
      assert.are.equal(500, sched.now())
      client:Close()
    end)
  )

  it(
    "waits no longer than wait_ms, and not at all with 0",
    played(function()
      local place = new_place()
      place.is_up = false
      local client = new_client({ place }, { wait_ms = 0 })
      co.sleep(1)
      assert.are.equal("ECONNREFUSED", select(3, client:Call("add", 1, 2)))
      assert.are.equal(1, sched.now())
      client:Close()
    end)
  )

  it(
    "obeys the deadline of its scope",
    played(function()
      local place = new_place()
      place.is_up = false
      local client = new_client({ place })
      local _, _, code = co.with_deadline(300, client.Call, client, "add", 1, 2)
      assert.are.equal("ETIMEDOUT", code)
      assert.are.equal(300, sched.now())
      assert.are.equal(0, select(3, client:InFlight()))
      client:Close()
    end)
  )

  it(
    "fails at once when the client is closed",
    played(function()
      local place = new_place()
      place.is_up = false
      local client = new_client({ place })
      local outcome
      co.spawn(function()
        outcome = { client:Call("add", 1, 2) }
      end)
      co.sleep(10)
      client:Close()
      co.sleep(1)
      assert.are.equal("ESOCKCLOSE", outcome[3])
      assert.are.equal("add: server: closed from this side", outcome[2])
    end)
  )

  it(
    "is refused when as many wait as may be under way",
    played(function()
      local place = new_place()
      place.is_up = false
      local client = new_client({ place })
      client.config.calls = 2
      for _ = 1, 2 do
        co.spawn(client.Call, client, "add", 1, 2)
      end
      co.sleep(1)
      assert.are.equal("EBUSY", select(3, client:Call("add", 1, 2)))
      client:Close()
    end)
  )
end)

describe("a call that has lost its connection", function()
  local function lose(options)
    local place = new_place()
    local client = new_client({ place })
    assert(client:Ready())
    local outcome
    co.spawn(function()
      local function keep(...)
        outcome = { n = select("#", ...), ... }
      end
      keep(client:CallWith(options, "slow", 200))
    end)
    co.sleep(100)
    place.kill()
    place.is_up = true
    co.sleep(1000)
    client:Close()
    return outcome, #place.times
  end

  it(
    "fails",
    played(function()
      local outcome = lose({})
      assert.is_nil(outcome[1])
      assert.are.equal("ESOCKCLOSE", outcome[3])
    end)
  )

  it(
    "is made again when it is idempotent",
    played(function()
      local outcome, dialed = lose({ idempotent = true })
      assert.are.same({ n = 1, "slept" }, outcome)
      assert.are.equal(2, dialed)
    end)
  )

  it(
    "is made again when it is idempotent, whatever has ended the connection",
    played(function()
      local place = new_place()
      local client = new_client({ place })
      assert(client:Ready())
      place.served[1]:Register("slow", function()
        -- Nobody says hello twice.
        link.say(place.served[1], wire.KIND.HELLO)
      end)
      local _, _, code = client:Call("slow", 1)
      assert.are.equal("EBADMSG", code)
      assert(client:Ready())
      place.served[2]:Register("slow", function()
        link.say(place.served[2], wire.KIND.HELLO)
      end)
      assert.are.equal("slept", client:CallWith({ idempotent = true }, "slow", 1))
      client:Close()
    end)
  )

  it(
    "is made again no more often than retries",
    played(function()
      local place = new_place()
      local made = 0
      local client = new_client({ place }, { retries = 2 })
      client.config.on_call = function()
        made = made + 1
        co.spawn(function()
          place.kill()
          place.is_up = true
        end)
      end
      local _, _, code = client:CallWith({ idempotent = true }, "slow", 500)
      assert.are.equal("ESOCKCLOSE", code)
      assert.are.equal(3, made)
      client:Close()
    end)
  )

  it(
    "is not made again for results that look like a failure",
    played(function()
      local place = new_place()
      local client = new_client({ place })
      assert(client:Ready())
      local served = 0
      place.served[1]:Register("odd", function()
        served = served + 1
        return nil, "closed", "ESOCKCLOSE"
      end)
      local _, _, code = client:CallWith({ idempotent = true }, "odd")
      assert.are.equal("ESOCKCLOSE", code)
      assert.are.equal(1, served)
      client:Close()
    end)
  )
end)

describe("calls to several places", function()
  it(
    "of an on_connect go to the new connection, of each kind",
    played(function()
      local places = { new_place("one"), new_place("two") }
      places[2].is_up = false
      local logins, answered = 0, false
      local client = new_client(places, {
        on_connect = function(client)
          client:Call("log_in")
          assert(client:Notify("log_in"))
          assert(client:CallAsync(function()
            answered = true
          end, "log_in"))
          while not answered do
            co.sleep(1)
          end
        end,
      })
      -- The clock stands still meanwhile: the services are there before anybody is greeted.
      for _, place in ipairs(places) do
        place.services = {
          log_in = function()
            logins = logins + (place == places[2] and 1 or 0)
          end,
        }
      end
      assert(client:Ready())
      answered, places[2].is_up = false, true
      co.sleep(1000)
      assert.are.equal(3, logins)
      assert.are.equal(2, #client:Peers())
      client:Close()
    end)
  )

  it(
    "go to the connection with the fewest under way",
    played(function()
      local places = { new_place("a"), new_place("b"), new_place("c") }
      local client = new_client(places)
      assert(client:Ready())
      co.sleep(1)
      for _ = 1, 9 do
        co.spawn(client.Call, client, "slow", 100)
      end
      co.sleep(1)
      local counts = {}
      for i, peer in ipairs(client:Peers()) do
        counts[i] = peer:InFlight()
      end
      assert.are.same({ 3, 3, 3 }, counts)
      client:Close()
    end)
  )

  it(
    "leave out those that are down",
    played(function()
      local places = { new_place("a"), new_place("b") }
      places[1].is_up = false
      local client = new_client(places)
      for i = 1, 20 do
        assert.are.equal(i + 1, client:Call("add", i, 1))
      end
      assert.are.equal(1, #client:Peers())
      client:Close()
    end)
  )

  it(
    "that are refused because one is busy are made at another",
    played(function()
      local places = { new_place("a"), new_place("b") }
      local client = new_client(places)
      assert(client:Ready())
      co.sleep(1)
      places[1].served[1].is_draining = true
      for i = 1, 10 do
        assert.are.equal(i + 1, client:Call("add", i, 1))
      end
      places[2].served[1].is_draining = true
      assert.are.equal("EBUSY", select(3, client:Call("add", 1, 1)))
      client:Close()
    end)
  )

  it(
    "are made at another when they are idempotent and lose their connection",
    played(function()
      local places = { new_place("a"), new_place("b") }
      local client = new_client(places)
      assert(client:Ready())
      co.sleep(1)
      local outcome
      co.spawn(function()
        outcome = client:CallWith({ idempotent = true }, "slow", 100)
      end)
      co.sleep(50)
      for _, place in ipairs(places) do
        if select(2, place.served[1]:InFlight()) == 1 then
          place.kill()
        end
      end
      co.sleep(110)
      assert.are.equal("slept", outcome)
      client:Close()
    end)
  )
end)
