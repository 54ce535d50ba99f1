--- Configurations: other protocols, plain packets beside calls, hooks, traces.
local chuck = require("chuck")
local peers = require("spec.helper.peers")
local tasks = require("spec.helper.tasks")

local co, packet, rpc = chuck.co, chuck.packet, chuck.rpc
local spec = tasks.spec

local function list(...)
  return { n = select("#", ...), ... }
end

local SERVICES = {
  echo = function(...)
    return ...
  end,
  boom = function()
    error("oh", 0)
  end,
}

local function quiet() end

--- What every protocol has to do.
local function works(make)
  local options = { on_error = quiet, services = rpc.services(SERVICES), message = 100000 }
  local near, far = peers.pair({ both = make(options) })
  assert.are.same({ n = 2, 1, "text" }, list(near:Call("echo", 1, "text")))
  local got = list(near:Call("echo", nil, true, nil, 1.5, nil))
  assert.are.same({ n = 5, nil, true, nil, 1.5, nil }, got)
  assert.are.equal(0, select("#", near:Call("echo")))
  got = near:Call("echo", { a = { 1, 2, { b = "c" } } })
  assert.are.same({ 1, 2, { b = "c" } }, got.a)
  assert.are.same({ n = 3, nil, "oh", "EREMOTE" }, list(near:Call("boom")))
  assert.are.equal("ENOSYS", select(3, far:Call("nothing")))
  assert.are.equal("EMSGSIZE", select(3, near:Call("echo", ("x"):rep(100000))))
  local fine, message = pcall(function()
    near:Call("echo", print)
  end)
  assert.is_false(fine)
  assert.matches("^spec/rpc_config_spec.lua:%d+: 'Call': ", message)
  far:Register("double", function(flow)
    local value = flow:Recv()
    flow:Send(value * 2)
    return "done"
  end, { stream = true })
  local flow = near:Open("double")
  flow:Send(21)
  assert.are.equal(42, flow:Recv())
  assert.are.equal("done", flow:Result())
  assert.is_false(near:IsClosed() or far:IsClosed())
end

describe("a protocol of one's own", function()
  it(
    "replaces the encoder and the decoder",
    spec(function()
      works(function(options)
        function options.encoder(data)
          local made = packet.wpacket(64, 32)
          made:WriteStr(data.k)
          made:WriteU16(data.n)
          for i = 1, data.n do
            assert(type(data.v[i]) ~= "function", "a function is no value")
            made:WriteTab({ data.v[i] })
          end
          return made
        end
        function options.decoder(received)
          local data = { k = received:ReadStr(), n = received:ReadU16(), v = {} }
          for i = 1, data.n do
            data.v[i] = received:ReadTab()[1]
          end
          return data
        end
        return rpc.config(options)
      end)
    end)
  )

  it(
    "may have a serializer between, as in 2015",
    spec(function()
      local seen = 0
      works(function(options)
        function options.serializer(data)
          seen = seen + 1
          local made = packet.wpacket(64, 32)
          made:WriteStr(data.k)
          made:WriteValues((table.unpack or rawget(_G, "unpack"))(data.v, 1, data.n))
          return made
        end
        function options.unserializer(received)
          local data = { k = received:ReadStr() }
          local function keep(n, ...)
            data.n, data.v = n, { ... }
            return data
          end
          return keep(received:ReadValues())
        end
        function options.encoder(text)
          return text
        end
        function options.decoder(received)
          return received
        end
        return rpc.config(options)
      end)
      assert.is_true(seen > 10)
    end)
  )

  for _, name in ipairs({ "json", "msgpack" }) do
    local is_there, why = pcall(rpc[name])
    if is_there then
      it(
        "is ready as " .. name,
        spec(function()
          works(rpc[name])
        end)
      )
    else
      it("that needs a library says which, as " .. name, function()
        assert.matches("'" .. name .. "' needs a library, and none of these is installed", why)
      end)
    end
  end

  it(
    "closes for what its functions cannot read, and nothing else happens",
    spec(function()
      if not pcall(rpc.json) then
        return
      end
      local texts = {
        "",
        "{",
        "[]",
        "7",
        '{"k":"call"}',
        '{"k":"call","n":-1,"v":[]}',
        '{"k":5,"n":1,"v":[1]}',
        '{"k":"call","n":1e99,"v":[]}',
        '{"k":"call","n":2,"v":"x"}',
        '{"k":"nothing","n":0,"v":[]}',
      }
      for _, text in ipairs(texts) do
        local near, far = tasks.pair(nil, rpc.framing())
        local peer = tasks.own(rpc.peer(near, rpc.json()))
        local made = packet.wpacket(64, 32)
        made:WriteStr('{"k":"hello","n":4,"v":["chuck-rpc",1,1000,1000]}')
        far:Send(made)
        made = packet.wpacket(64, 32)
        made:WriteStr(text)
        far:Send(made)
        assert.are.equal("EBADMSG", select(3, peer:Wait(5000)), text)
        far:Close(0)
      end
    end)
  )

  it("raises where it is made for what does not belong together", function()
    for _, options in ipairs({
      { encoder = quiet },
      { decoder = quiet },
      { serializer = quiet, unserializer = quiet },
      { encoder = quiet, decoder = quiet, serializer = quiet },
      { timeout = 1 },
      { calls = 0 },
      { timeout_ms = "1" },
    }) do
      local fine, message = pcall(function()
        rpc.config(options)
      end)
      assert.is_false(fine)
      assert.matches("^spec/rpc_config_spec.lua:%d+: bad argument #1 to 'config'", message)
    end
  end)

  it(
    "raises for a peer of nothing, or with wrong options",
    spec(function()
      local near = tasks.pair()
      local wrong = { { nil }, { 7 }, { {} }, { io.stdout }, { near, 7 }, { near, { x = 1 } } }
      for _, args in ipairs(wrong) do
        local fine, message = pcall(function()
          rpc.peer(args[1], args[2])
        end)
        assert.is_false(fine)
        assert.matches("^spec/rpc_config_spec.lua:%d+: bad argument #%d to 'peer'", message)
      end
      assert.has_error(function()
        rpc.framing({})
      end)
    end)
  )

  it(
    "that returns no packet is told",
    spec(function()
      local near = peers.pair({
        near = {
          encoder = function(data)
            return data.k == "call" and "text" or packet.wpacket()
          end,
          decoder = function()
            return { k = "ping", n = 1, v = { 1 } }
          end,
        },
      })
      local fine, message = pcall(function()
        near:Call("x")
      end)
      assert.is_false(fine)
      assert.matches("the encoder has returned a string, no packet", message)
    end)
  )
end)

describe("plain packets", function()
  it(
    "travel beside calls, in order, and are read from their beginning",
    spec(function()
      local got = {}
      local near, far = peers.pair({
        far = {
          services = rpc.services(SERVICES),
          on_packet = function(peer, received)
            got[#got + 1] = { peer, received:ReadU16(), received:ReadStr() }
          end,
        },
      })
      for i = 1, 100 do
        local made = packet.wpacket(16, 32)
        made:WriteU16(i)
        made:WriteStr("plain")
        assert.is_true(near:SendPacket(made))
        if i % 10 == 0 then
          assert.are.equal(i, near:Call("echo", i))
        end
      end
      tasks.wait("the packets", function()
        return #got == 100
      end)
      for i = 1, 100 do
        assert.are.same({ far, i, "plain" }, got[i])
      end
    end)
  )

  it(
    "may be answered by calls, and wait for them",
    spec(function()
      local answer
      local near = peers.pair({
        near = { services = rpc.services(SERVICES) },
        far = {
          on_packet = function(peer, received)
            answer = peer:Call("echo", received:ReadStr())
          end,
        },
      })
      local made = packet.wpacket(16, 32)
      made:WriteStr("from a packet")
      near:SendPacket(made)
      tasks.wait("the answer", function()
        return answer
      end)
      assert.are.equal("from a packet", answer)
    end)
  )

  it(
    "beyond the limit hold the connection up, and all arrive",
    spec(function()
      local got = 0
      local near, far = peers.pair({
        far = {
          packets = 4,
          on_packet = function()
            co.sleep(1)
            got = got + 1
          end,
        },
      })
      for _ = 1, 30 do
        local made = packet.wpacket(16, 32)
        made:WriteU8(1)
        near:SendPacket(made)
      end
      co.sleep(5)
      assert.is_true(far.packets.last - far.packets.first <= 4)
      tasks.wait("the packets", function()
        return got == 30
      end)
    end)
  )

  it(
    "that nobody takes do not keep a peer from its end",
    spec(function()
      local near, far = peers.pair({
        far = {
          packets = 2,
          on_packet = function()
            co.sleep(60000)
          end,
        },
      })
      for _ = 1, 10 do
        local made = packet.wpacket(16, 32)
        made:WriteU8(1)
        near:SendPacket(made)
      end
      tasks.wait("the reader to wait", function()
        return far.packets.reader
      end)
      far:Close()
      assert.is_true(near:Wait(1000))
      tasks.wait("the end of the reader", function()
        return far.reader:IsDone()
      end)
    end)
  )

  it(
    "that fail in on_packet are told, and the next are delivered",
    spec(function()
      local got, told = {}, 0
      local near = peers.pair({
        far = {
          on_error = function()
            told = told + 1
          end,
          on_packet = function(_, received)
            got[#got + 1] = received:ReadU8()
            error("oh")
          end,
        },
      })
      for i = 1, 3 do
        local made = packet.wpacket(16, 32)
        made:WriteU8(i)
        near:SendPacket(made)
        tasks.wait("the packet", function()
          return #got == i and told == i
        end)
      end
      assert.are.same({ 1, 2, 3 }, got)
    end)
  )

  it(
    "that look like messages are refused where they are sent",
    spec(function()
      local near = peers.pair()
      for byte = 0xC0, 0xDF, 0x1F do
        local made = packet.wpacket(16, 32)
        made:WriteU8(byte)
        local fine, message = pcall(function()
          near:SendPacket(made)
        end)
        assert.is_false(fine)
        assert.matches("^spec/rpc_config_spec.lua:%d+: ", message)
        assert.matches("begins with a byte from 0xC0 to 0xDF", message)
      end
    end)
  )
end)

describe("hooks", function()
  it(
    "see calls before and after, on both sides",
    spec(function()
      local log = {}
      local function note(where)
        return function(_, name, info)
          log[#log + 1] = where .. " before " .. name .. " " .. info.kind
          return function(result, message, code)
            log[#log + 1] = where .. " after " .. tostring(result or code or message)
          end
        end
      end
      local near = peers.pair({
        near = { on_call = note("near") },
        far = { on_serve = note("far"), services = rpc.services(SERVICES) },
      })
      assert.are.equal("x", near:Call("echo", "x"))
      assert.are.same({ "near before echo call", "far before echo call" }, { log[1], log[2] })
      assert.are.same({ "far after x", "near after x" }, { log[3], log[4] })
      log = {}
      near:Call("boom")
      assert.are.equal("far after EREMOTE", log[3])
      assert.are.equal("near after EREMOTE", log[4])
      log = {}
      near:Notify("echo", "y")
      tasks.wait("the notification", function()
        return #log == 4
      end)
      assert.are.equal("near before echo notify", log[1])
      log = {}
      near:CallAsync(quiet, "echo", "z")
      tasks.wait("the answer", function()
        return #log == 4
      end)
      assert.are.equal("near after z", log[4])
    end)
  )

  it(
    "may refuse a call before it is served",
    spec(function()
      local near, far = peers.pair({
        far = {
          services = rpc.services(SERVICES),
          on_serve = function(_, name)
            if name == "echo" then
              return false, "not for you"
            end
          end,
        },
      })
      assert.are.same({ n = 3, nil, "not for you", "EACCES" }, list(near:Call("echo", 1)))
      assert.are.equal("EREMOTE", select(3, near:Call("boom")))
      assert.are.equal(0, (select(2, far:InFlight())))
    end)
  )

  it(
    "are told of a call that is cancelled",
    spec(function()
      local told
      local near, far = peers.pair({
        near = {
          on_call = function()
            return function(_, _, code)
              told = code
            end
          end,
        },
      })
      far:Register("sleep", co.sleep)
      local call = tasks.parked(near.Call, near, "sleep", 5000)
      call.task:Cancel()
      call.task:Join()
      assert.are.equal("ECANCELED", told)
    end)
  )
end)

describe("a trace", function()
  local TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

  it(
    "goes with a call, to the service, its tasks and its own calls",
    spec(function()
      local seen = {}
      local near, far = peers.pair()
      near:Register("inner", function()
        seen[3] = rpc.traceparent()
      end)
      far:Register("outer", function()
        seen[1] = rpc.traceparent()
        co.spawn(function()
          seen[2] = rpc.traceparent()
        end):Join()
        rpc.caller():Call("inner")
      end)
      co.spawn(function()
        rpc.set_traceparent(TRACE)
        near:Call("outer")
      end):Join()
      assert.are.same({ TRACE, TRACE, TRACE }, seen)
      seen = {}
      near:Call("outer")
      assert.is_nil(next(seen))
    end)
  )

  it(
    "has the form that W3C gives it",
    spec(function()
      for _, text in ipairs({
        "",
        "x",
        TRACE .. "-",
        TRACE:upper(),
        "ff" .. TRACE:sub(3),
        TRACE:sub(1, 36) .. ("0"):rep(16) .. "-01",
        "00-" .. ("0"):rep(32) .. TRACE:sub(36),
        ("x"):rep(55),
      }) do
        assert.has_error(function()
          rpc.set_traceparent(text)
        end)
      end
      rpc.set_traceparent("01" .. TRACE:sub(3) .. "-more")
      local fresh = rpc.new_traceparent()
      rpc.set_traceparent(fresh)
      assert.are.equal(fresh, rpc.traceparent())
      local child = rpc.new_traceparent(fresh)
      assert.are.equal(fresh:sub(1, 35), child:sub(1, 35))
      assert.are_not.equal(fresh, child)
      rpc.set_traceparent(nil)
      assert.is_nil(rpc.traceparent())
    end)
  )
end)
