--- Calls between threads: both ways, bounded, and what becomes of them when a thread ends.
local chuck = require("chuck")
local limits = require("chuck.rpc.limits")
local mail = require("chuck.rpc.mail")
local tasks = require("spec.helper.tasks")
local threads = require("spec.helper.threads")

local co, cthread, packet, rpc = chuck.co, chuck.cthread, chuck.packet, chuck.rpc

--- Threads that a spec has started, and what it has to them.
local started, met = {}, {}

--- A body for `it`; at its end nothing is left of its threads.
local function spec(body)
  return tasks.spec(function()
    local fine, problem = co.pcall(body)
    for _, object in ipairs(met) do
      object:Close(100)
    end
    for _, thread in ipairs(started) do
      cthread.sendmail(thread, "go")
      tasks.wait("the end of a thread", function()
        return cthread.tid(thread) == 0
      end)
      -- Its state is closed by then.
      cthread.join(thread, 1000)
    end
    started, met = {}, {}
    if not fine then
      error(problem, 0)
    end
  end)
end

local function start_script(source)
  local thread = threads.start(source, cthread.self())
  started[#started + 1] = thread
  return thread
end

local function own(object)
  met[#met + 1] = object
  return object
end

--- A script whose services are those of the one who has started it.
local WORKER = [[
  local chuck = require("chuck")
  local co, cthread, rpc = chuck.co, chuck.cthread, chuck.rpc
  local parent = ...
  return co.run(function()
    local peer
    local SERVICES = {
      add = function(a, b) return a + b end,
      echo = function(...) return ... end,
      slow = function(ms) co.sleep(ms) return "slept" end,
      fail = function() error("broken", 0) end,
      relay = function(...) return rpc.caller():Call(...) end,
      leave = function() peer:Close() end,
      stop = function() co.spawn(co.stop) co.sleep(60000) end,
      write = function() cthread.sendmail(parent, "other mail") end,
      block = function(ms)
        local give_up = chuck.systick() + ms
        while chuck.systick() < give_up do end
      end,
    }
    co.on_error(function() end)
    peer = assert(rpc.thread(parent, { services = SERVICES, linger_ms = 100 }))
    peer:Register("numbers", function(flow, n)
      for i = 1, n do assert(flow:Send(i)) end
      return "all"
    end, { stream = true })
    %s
    peer:Wait()
    return "ended"
  end)
]]

local function start(source)
  return start_script(WORKER:format(source or ""))
end

local function meet(thread, options)
  return own(assert(rpc.thread(thread, options)))
end

local function pair(options, source)
  local thread = start(source)
  return meet(thread, options), thread
end

after_each(threads.finish)

--- What a stream brings, added up. Iterators cannot wait on Lua 5.1.
local function sum_of(flow)
  local sum, value = 0, flow:Recv()
  while value do
    sum, value = sum + value, flow:Recv()
  end
  return sum
end

describe("a thread", function()
  it(
    "answers another, and asks it",
    spec(function()
      local peer = pair({
        services = {
          mine = function(a)
            return "mine", a
          end,
        },
      })
      assert.are.equal(3, peer:Call("add", 1, 2))
      local function list(...)
        return { n = select("#", ...), ... }
      end
      local sent = list(nil, 1.5, "a\0b", nil)
      assert.are.same(sent, list(peer:Call("echo", nil, 1.5, "a\0b", nil)))
      assert.are.same({ n = 2, "mine", 7 }, list(peer:Call("relay", "mine", 7)))
      assert.are.equal("EREMOTE", select(3, peer:Call("fail")))
      assert.are.equal("ENOSYS", select(3, peer:Call("nothing")))
      assert.are.equal("ETIMEDOUT", select(3, peer:CallWith({ timeout_ms = 20 }, "slow", 60000)))
    end)
  )

  it(
    "streams values",
    spec(function()
      local peer = pair()
      local flow = assert(peer:Open("numbers", 1000))
      assert.are.equal(500500, sum_of(flow))
      assert.are.equal("all", flow:Result())
    end)
  )

  it(
    "is waited for until it is there",
    spec(function()
      local thread = start("")
      local peer = meet(thread)
      assert.is_true(peer:Ready(10000))
      assert.are.equal(3, peer:Call("add", 1, 2))
    end)
  )

  it(
    "may come first",
    spec(function()
      local thread = start([[cthread.sendmail(parent, "I am here")]])
      -- Its hello waits in our inbox.
      co.sleep(50)
      local peer = meet(thread)
      assert.are.equal(3, peer:Call("add", 1, 2))
    end)
  )

  it(
    "answers many calls at once, in both directions",
    spec(function()
      local peer = pair({
        services = {
          twice = function(n)
            return 2 * n
          end,
        },
      })
      local done = 0
      co.scope(function(children)
        for i = 1, 64 do
          children:Spawn(function()
            for k = 1, 50 do
              assert(peer:Call("add", i, k) == i + k)
              assert(peer:Call("relay", "twice", k) == 2 * k)
              done = done + 1
            end
          end)
        end
      end)
      assert.are.equal(3200, done)
    end)
  )

  it(
    "gets messages of many sizes, whole and in order",
    spec(function()
      local peer = pair()
      for _, size in ipairs({ 0, 1, 100, 65535, 65536, 1000000, 3999000 }) do
        local text = ("x"):rep(size)
        assert.is_true(text == peer:Call("echo", text), size .. " bytes")
      end
    end)
  )

  it(
    "gives other mail to on_mail",
    spec(function()
      local peer, thread = pair()
      local got
      rpc.on_mail(function(from, other)
        got = { from, other }
      end)
      peer:Notify("write")
      tasks.wait("the mail", function()
        return got
      end)
      rpc.on_mail(nil)
      assert.is_true(got[1] == thread)
      assert.are.equal("other mail", got[2])
    end)
  )
end)

describe("a call to a thread that ends", function()
  local ENDS = {
    ["by closing its peer"] = "leave",
    ["by co.stop"] = "stop",
  }
  for how, service in pairs(ENDS) do
    it(
      "fails: " .. how,
      spec(function()
        local peer, thread = pair()
        local slow = tasks.parked(peer.Call, peer, "slow", 60000)
        local _, _, code = peer:Call(service)
        assert.are.equal("ESOCKCLOSE", code)
        assert.are.equal("ESOCKCLOSE", tasks.finished(slow)[3])
        assert.is_true(peer:Wait(1000))
        threads.join(thread)
      end)
    )
  end

  it(
    "fails: by an error of its script",
    spec(function()
      local thread = start_script([[
      local chuck = require("chuck")
      local co, rpc = chuck.co, chuck.rpc
      local parent = ...
      co.on_error(function() end)
      co.run(function()
        local peer = assert(rpc.thread(parent))
        peer:Register("crash", function() co.stop() co.sleep(60000) end)
        co.sleep(60000)
      end)
      error("the script fails")
    ]])
      local peer = meet(thread)
      assert.are.equal("ESOCKCLOSE", select(3, peer:Call("crash")))
      local done, message, code = threads.join(thread)
      assert.is_nil(done)
      assert.are.equal("ECANCELED", code)
      assert.matches("the script fails", message)
    end)
  )

  it(
    "fails: while its engine is stopped, without a farewell from its tasks",
    spec(function()
      local thread = start_script([[
      local chuck = require("chuck")
      local co, rpc = chuck.co, chuck.rpc
      local engine = chuck.engine()
      co.on_error(function() end)
      require("chuck.co.run").attach(engine)
      local parent = ...
      co.spawn(function()
        local peer = rpc.thread(parent)
        peer:Register("die", function() engine:Stop() co.sleep(60000) end)
      end)
      engine:Run()
    ]])
      local peer = meet(thread)
      local began = chuck.systick()
      assert.are.equal("ESOCKCLOSE", select(3, peer:Call("die")))
      assert.is_true(chuck.systick() - began < 5000)
    end)
  )

  it(
    "fails when the thread was dead before, or never says hello",
    spec(function()
      local dead = threads.start("return 1")
      threads.join(dead)
      local peer, message, code = rpc.thread(dead)
      assert.is_nil(peer)
      assert.are.equal("ESRCH", code, message)
      local mute = start_script([[
      local chuck = require("chuck")
      local engine = chuck.engine()
      chuck.RegTimer(engine, 300, function() engine:Stop() return -1 end)
      engine:Run()
    ]])
      peer = meet(mute)
      assert.are.equal("ESOCKCLOSE", select(3, peer:Call("add", 1, 2)))
    end)
  )

  it(
    "times out while it is busy with something else",
    spec(function()
      local peer = pair()
      assert(peer:Ready())
      peer:Notify("block", 300)
      assert.are.equal("ETIMEDOUT", select(3, peer:CallWith({ timeout_ms = 50 }, "add", 1, 2)))
      assert.are.equal(3, peer:Call("add", 1, 2))
    end)
  )

  it(
    "by a client fails at once, for there is no thread to connect to any more",
    spec(function()
      local thread = start()
      local client = own(rpc.connect(thread))
      assert.are.equal(3, client:Call("add", 1, 2))
      client:Call("stop")
      threads.join(thread)
      local began = chuck.systick()
      tasks.wait("the end of the client", function()
        return client:IsClosed()
      end)
      assert.are.equal("ESOCKCLOSE", select(3, client:Call("add", 1, 2)))
      assert.is_true(chuck.systick() - began < 5000)
    end)
  )
end)

describe("threads of a pool", function()
  it(
    "share the work, and it goes on when one ends",
    spec(function()
      local workers = { start(), start(), start() }
      local pool = own(rpc.pool(workers))
      tasks.wait("all", function()
        return #pool:Peers() == 3
      end)
      for i = 1, 30 do
        assert.are.equal(i + 1, pool:Call("add", i, 1))
      end
      pool:Call("stop")
      tasks.wait("two", function()
        return #pool:Peers() == 2
      end)
      for i = 1, 30 do
        assert.are.equal(i + 1, pool:Call("add", i, 1))
      end
    end)
  )
end)

describe("a peer of a thread", function()
  it(
    "is one at a time, and may be made anew",
    spec(function()
      local thread = start([[
      co.spawn(function()
        while true do
          peer:Wait()
          peer = rpc.thread(parent, { services = SERVICES })
          if not peer then return end
        end
      end)
      co.sleep(60000)
    ]])
      for i = 1, 10 do
        local peer = assert(rpc.thread(thread))
        assert.are.equal(i + 1, peer:Call("add", i, 1), i)
        local second, _, code = rpc.thread(thread)
        assert.is_nil(second)
        assert.are.equal("EBUSY", code)
        peer:Close()
      end
      local peer = meet(thread)
      peer:Call("stop")
    end)
  )

  it(
    "is made when one side has opened and closed before, and both meet half way",
    spec(function()
      local sign = os.tmpname()
      local thread = start(("os.remove(%q)"):format(sign))
      local first = assert(mail.open(thread))
      local give_up = chuck.systick() + 10000
      local file
      -- Its hello is there by then, but was not read.
      repeat
        file = io.open(sign)
        if file then
          file:close()
        end
      until not file or chuck.systick() > give_up
      first:Close(0)
      local peer = meet(thread)
      assert.are.equal(3, peer:Call("add", 1, 2))
    end)
  )

  it(
    "is told of the end by a farewell for which there was no room at first",
    spec(function()
      local peer, thread = pair({ heartbeat_ms = 0 })
      assert(peer:Ready(10000))
      assert(peer:Notify("block", 300))
      co.sleep(50)
      while cthread.sendmail(thread, "junk") do
      end
      peer.stream:Close()
      tasks.wait("the end of the thread", function()
        return cthread.tid(thread) == 0
      end)
      assert.are.equal("ended", threads.join(thread))
    end)
  )

  it(
    "is not made to oneself, nor of something else",
    spec(function()
      assert.are.equal("EINVAL", select(3, rpc.thread(cthread.self())))
      assert.has_error(function()
        rpc.thread(12)
      end)
      assert.has_error(function()
        rpc.thread(cthread.self(), { unknown = 1 })
      end)
    end)
  )

  it("works again in the next co.run", function()
    for _ = 1, 3 do
      spec(function()
        local peer = pair()
        assert.are.equal(3, peer:Call("add", 1, 2))
      end)()
    end
  end)
end)

describe("a stream between threads", function()
  --- A thread that has a stream, and reads it when it is told to.
  local READER = [[
    local chuck = require("chuck")
    local co, cthread = chuck.co, chuck.cthread
    local mail = require("chuck.rpc.mail")
    local parent = ...
    return co.run(function()
      local stream = assert(mail.open(parent))
      local go = false
      mail.on_mail(function() go = true end)
      while not go do co.sleep(1) end
      local count, bytes = 0, 0
      while true do
        local got, _, code = stream:ReadPacket(5000)
        if not got then
          stream:Close()
          return count, bytes, code
        end
        count, bytes = count + 1, bytes + #got
      end
    end)
  ]]

  --- A stream that the thread has answered.
  local function open(thread)
    local stream = own(assert(mail.open(thread)))
    tasks.wait("the other end", function()
      return stream.is_sure
    end)
    return stream
  end

  it(
    "takes no more than its room, and then the writer waits",
    spec(function()
      local thread = start_script(READER)
      local stream = own(assert(mail.open(thread)))
      local item = packet.rawpacket(("x"):rep(65536))
      local written = 0
      local writer = tasks.parked(function()
        for _ = 1, 400 do
          assert(stream:WritePacket(item, 10000))
          written = written + 1
        end
        stream:Close(10000)
      end)
      co.sleep(100)
      local most = (limits.thread_window + limits.thread_high_water) / 65536 + 2
      assert.is_true(written <= most, written .. " were written")
      assert.are.equal("ETIMEDOUT", select(3, stream:WritePacket(item, 10)))
      assert(cthread.sendmail(thread, "go"))
      tasks.finished(writer)
      assert.are.equal(400, written)
      tasks.wait("the end of the thread", function()
        return cthread.tid(thread) == 0
      end)
      local count, bytes, code = threads.join(thread)
      assert.are.same({ 400, 400 * 65536, "EOF" }, { count, bytes, code })
    end)
  )

  it(
    "refuses what is too much, without parking",
    spec(function()
      local thread = start_script(READER)
      local stream = open(thread)
      local item = packet.rawpacket(("x"):rep(4 * 1024 * 1024))
      local sent = 0
      while stream:Send(item) do
        sent = sent + 1
      end
      assert.are.equal("ENOBUFS", select(3, stream:Send(item)))
      assert.are.equal(16, sent)
      stream:Close(0)
      cthread.sendmail(thread, "go")
      threads.join(thread)
    end)
  )

  it(
    "sends packets as they were when they were sent",
    spec(function()
      local thread = start_script([[
      local chuck = require("chuck")
      local co, cthread = chuck.co, chuck.cthread
      local parent = ...
      return co.run(function()
        local stream = assert(require("chuck.rpc.mail").open(parent))
        local first, second, third = stream:ReadPacket(), stream:ReadPacket(), stream:ReadPacket()
        local number, more = first:ReadU8(), first:ReadU8()
        local all = { number, more or "none", second:ReadU8(), third:ReadBin() }
        stream:Close()
        return (table.concat(all, " "))
      end)
    ]])
      local stream = own(assert(mail.open(thread)))
      local item = packet.wpacket(16)
      item:WriteU8(1)
      assert.is_true(stream:Send(item))
      item:WriteU8(2)
      local half = packet.rpacket(item)
      half:ReadU8()
      assert.is_true(stream:Send(half))
      assert.is_true(stream:Send(packet.rawpacket("raw")))
      local _, _, code = stream:ReadPacket(10000)
      assert.are.equal("EOF", code)
      assert.are.equal("1 none 2 raw", threads.join(thread))
    end)
  )

  it(
    "wakes its reader with ESOCKCLOSE when another task closes it",
    spec(function()
      local thread = start_script(READER)
      local stream = open(thread)
      local reading = tasks.parked(stream.ReadPacket, stream)
      stream:Close()
      assert.are.equal("ESOCKCLOSE", tasks.finished(reading)[3])
      assert.are.equal("ESOCKCLOSE", select(3, stream:Send(packet.rawpacket("x"))))
      assert.is_true(stream:IsClosed())
      cthread.sendmail(thread, "go")
      threads.join(thread)
    end)
  )

  it(
    "is not hurt by mails that look like its own",
    spec(function()
      local thread = start([[
      for _, junk in ipairs({
        {}, { "hello" }, { "hello", 1 }, { "hello", "x", "y", "z" }, { "data", 1, 1, 5 },
        { "ack", 1, 1, "x" }, { "bye" }, { "gone", 1 }, { "nothing", 1, 2 }, { 1, 2, 3 },
      }) do
        cthread.sendmail(parent, { "chuck.rpc", (table.unpack or unpack)(junk) })
      end
    ]])
      local peer = meet(thread)
      for i = 1, 10 do
        assert.are.equal(i + 1, peer:Call("add", i, 1))
      end
    end)
  )
end)
