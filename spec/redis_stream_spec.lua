--- Streams: entries that are read by a group, acknowledged, and taken over when they are stuck.
local chuck = require("chuck")
local co, redis = chuck.co, chuck.redis
local compat = require("chuck.support.compat")

local servers = require("spec.helper.redis")
local tasks = require("spec.helper.tasks")

local own, pack = tasks.own, compat.pack

local function client_of(server, options)
  options = options or {}
  options.address = server.address
  options.backoff_ms = 5
  return own(redis.client(options))
end

local function stream_of(client, consumer, options)
  options = options or {}
  options.group = "g"
  options.consumer = consumer or "a"
  return own(redis.stream(client, "jobs", options))
end

--- Adds so many entries, whose field n counts from 1.
local function add(client, count, first)
  local ids = {}
  for n = first or 1, (first or 1) + count - 1 do
    ids[#ids + 1] = assert(client:XAdd("jobs", "*", "n", n))
  end
  return ids
end

--- Reads so many entries: their fields n.
local function read(stream, count)
  local found, list = {}, {}
  for i = 1, count do
    list[i] = assert(stream:Read(5000))
    found[i] = tonumber(list[i].fields.n)
  end
  return found, list
end

--- Counts what was handled, by n.
local function counting(seen)
  return function(entry)
    local n = tonumber(entry.fields.n)
    seen[n] = (seen[n] or 0) + 1
  end
end

local function count_of(seen)
  local count = 0
  for _ in pairs(seen) do
    count = count + 1
  end
  return count
end

--- Has errors of handlers kept, instead of printed.
local function keep_errors()
  local told = {}
  co.on_error(function(problem, place)
    told[#told + 1] = tostring(problem) .. " " .. place
  end)
  return told
end

describe("a stream", function()
  for _, protocol in ipairs({ 2, 3 }) do
    it(
      "is written, read and acknowledged, in RESP" .. protocol,
      tasks.spec(function()
        local client = client_of(servers.shared(), { protocol = protocol })
        local stream = stream_of(client)
        local id = stream:Add({ kind = "mail", to = "ada" })
        local second = stream:Add({ "b", 1, "a", 2, "b", 3 }, { id = "9999999999999-1" })
        assert.are.equal("9999999999999-1", second)
        assert.are.equal(2, stream:Len())
        local entry = stream:Read(5000)
        assert.are.same({ id, { kind = "mail", to = "ada" } }, { entry.id, entry.fields })
        local other = stream:Read(5000)
        assert.are.same({ "b", "1", "a", "2", "b", "3" }, other.list)
        assert.are.same({ b = "3", a = "2" }, other.fields)
        assert.are.same(
          { count = 2, first = id, last = second, consumers = { a = 2 } },
          stream:Pending()
        )
        local listed = stream:Pending({ count = 1 })
        assert.are.same({ id, "a", 1 }, { listed[1].id, listed[1].consumer, listed[1].deliveries })
        assert.is_number(listed[1].idle_ms)
        assert.are.same({}, stream:Pending({ min_idle_ms = 60000 }))
        assert.are.same({ 1, 1, 0, 0 }, {
          stream:Ack(entry),
          stream:Ack({ other }),
          stream:Ack(id),
          stream:Ack({}),
        })
        assert.are.same({ count = 0, consumers = {} }, stream:Pending())
      end)
    )
  end

  it(
    "is read and written by a pool as well",
    tasks.spec(function()
      local pool = own(redis.pool({ address = servers.shared().address, size = 2 }))
      local stream = stream_of(pool)
      stream:Add({ n = 1 })
      assert.are.same({ 1 }, (read(stream, 1)))
    end)
  )

  it(
    "is trimmed, as it is written or later, and made only where that is wanted",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local stream = stream_of(client)
      assert.are.same({ n = 1 }, pack(stream:Add({ a = 1 }, { nomkstream = true })))
      local ids = add(client, 10)
      stream:Add({ n = 11 }, { maxlen = 5, exact = true })
      assert.are.equal(5, stream:Len())
      assert.are.equal(2, stream:Trim({ minid = ids[9], exact = true }))
      assert.are.equal(0, stream:Trim(1000))
      assert.are.equal(3, stream:Trim({ maxlen = 0, exact = true }))
    end)
  )

  it(
    "shares its entries among the consumers of a group",
    tasks.spec(function()
      local client = client_of(servers.shared())
      add(client, 20)
      local seen = {}
      local streams =
        { stream_of(client, "a", { count = 2 }), stream_of(client, "b", { count = 2 }) }
      co.scope(function(children)
        for _, stream in ipairs(streams) do
          children:Spawn(function()
            for _ = 1, 10 do
              local entry = assert(stream:Read(5000))
              assert.are.equal(1, stream:Ack(entry))
              assert.is_nil(seen[entry.id])
              seen[entry.id] = true
            end
          end)
        end
      end)
      assert.are.equal(20, count_of(seen))
    end)
  )

  it(
    "is read from where is said, without a group",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local ids = add(client, 3)
      local all = own(redis.stream(client, "jobs"))
      assert.are.same({ 1, 2, 3 }, (read(all, 3)))
      local some = own(redis.stream(client, "jobs", { start = ids[2] }))
      assert.are.same({ 3 }, (read(some, 1)))
      local news = own(redis.stream(client, "jobs", { start = "$", block_ms = 20 }))
      assert.are.equal("ETIMEDOUT", (select(3, news:Read(50))))
      add(client, 2, 4)
      assert.are.same({ 4, 5 }, (read(news, 2)))
    end)
  )

  if compat.yields_across_pcall then
    it(
      "is an iterator until it is closed, where those can park",
      tasks.spec(function()
        local client = client_of(servers.shared())
        add(client, 5)
        local stream, found = stream_of(client), {}
        for entry in stream:Entries() do
          found[#found + 1] = entry.fields.n
          if #found == 5 then
            stream:Close()
          end
        end
        assert.are.same({ "1", "2", "3", "4", "5" }, found)
        client:Set("text", 1)
        local fine, why = co.pcall(function()
          for _ in own(redis.stream(client, "text")):Entries() do
            error("there is none")
          end
        end)
        assert.is_false(fine)
        assert.matches("^%S*redis_stream_spec.lua:%d+: stream text: WRONGTYPE", why)
      end)
    )
  end

  it(
    "loses nothing to readers that give up, in time or cancelled",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local stream = stream_of(client)
      local _, message, code = stream:Read(30)
      assert.matches("^stream jobs: no entry in 30 ms", message)
      assert.are.equal("ETIMEDOUT", code)
      local waiting = tasks.parked(stream.Read, stream)
      waiting.task:Cancel()
      add(client, 3)
      tasks.wait("the entries", function()
        return stream:Pending().count > 0
      end)
      assert.are.same({ 1, 2, 3 }, (read(stream, 3)))
    end)
  )

  it(
    "gives a consumer that begins anew what it did not acknowledge",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local ids = add(client, 5)
      local stream = stream_of(client)
      local _, list = read(stream, 4)
      stream:Ack({ list[1], list[3] })
      stream:Close()
      client:XDel("jobs", ids[2])
      add(client, 1, 6)
      local again = stream_of(client, "a", { count = 1 })
      assert.are.same({ 4, 5, 6 }, (read(again, 3)))
      -- What was deleted meanwhile is done with.
      assert.are.equal(3, again:Pending().count)
    end)
  )

  it(
    "reads on when its connection breaks, without what it has in hand",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      add(client, 3)
      local stream = stream_of(client, "a", { count = 2 })
      assert.are.same({ 1, 2, 3 }, (read(stream, 3)))
      local waiting = tasks.parked(stream.Read, stream, 10000)
      server:Cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
      server:Cli("XADD", "jobs", "*", "n", "4")
      tasks.finished(waiting)
      assert.are.equal("4", waiting[1] and waiting[1].fields.n)
    end)
  )

  it(
    "is found by who asks again and again without waiting",
    tasks.spec(function()
      local client = client_of(servers.shared())
      add(client, 3)
      local stream, found = stream_of(client, "a", { count = 1 }), {}
      tasks.wait("the entries", function()
        local entry, _, code = stream:Read(0)
        assert.is_true(entry ~= nil or code == "ETIMEDOUT")
        found[#found + 1] = entry and entry.fields.n
        return #found == 3
      end)
      assert.are.same({ "1", "2", "3" }, found)
    end)
  )

  it(
    "makes its group again on a server that has forgotten it",
    tasks.spec(function()
      local server = servers.server()
      local client = client_of(server)
      add(client, 1)
      local stream = stream_of(client)
      assert.are.same({ 1 }, (read(stream, 1)))
      local waiting = tasks.parked(stream.Read, stream, 15000)
      server:Restart()
      server:Cli("XADD", "jobs", "*", "n", "2")
      tasks.finished(waiting)
      assert.are.equal("2", waiting[1] and waiting[1].fields.n)
      waiting = tasks.parked(stream.Read, stream, 15000)
      server:Cli("DEL", "jobs")
      server:Cli("XADD", "jobs", "*", "n", "3")
      tasks.finished(waiting)
      assert.are.equal("3", waiting[1] and waiting[1].fields.n)
    end)
  )

  it(
    "says why nothing came from a server that is gone",
    tasks.spec(function()
      local server = servers.server()
      local client = client_of(server, { timeout_ms = 100 })
      local stream = stream_of(client)
      assert(client:Ready())
      server:Kill()
      local entry, message, code = stream:Read(100)
      assert.is_nil(entry)
      assert.matches("no entry in 100 ms", message)
      assert.are.equal("ETIMEDOUT", code)
    end)
  )

  it(
    "takes over what is stuck, once",
    tasks.spec(function()
      local client = client_of(servers.shared())
      add(client, 5)
      local dead, living = stream_of(client, "dead"), stream_of(client, "living")
      read(dead, 5)
      assert.are.same({}, living:Claim(60000))
      assert.are.equal(2, #living:Claim(0, 2))
      assert.are.equal(3, #living:Claim(0, 10))
      assert.are.same({}, living:Claim(0, 10))
      assert.are.same({ living = 5 }, living:Pending().consumers)
    end)
  )

  it(
    "hands out no more than may be without acknowledgement",
    tasks.spec(function()
      local client = client_of(servers.shared())
      add(client, 5)
      local stream = stream_of(client, "a", { unacked = 2, count = 2 })
      local _, list = read(stream, 2)
      local _, message, code = stream:Read(1000)
      assert.matches("2 entries were read and not acknowledged", message)
      assert.are.equal("ENOBUFS", code)
      stream:Ack(list)
      assert.are.same({ 3 }, (read(stream, 1)))
    end)
  )

  it(
    "is closed at any time: who waits is told",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local stream = own(redis.stream(client, "elsewhere", { group = "g", consumer = "a" }))
      local waiting = tasks.parked(stream.Read, stream)
      stream:Close()
      stream:Close()
      tasks.finished(waiting)
      assert.are.equal("ESOCKCLOSE", waiting[3])
      assert.is_true(stream:IsClosed())
      assert.are.equal("ESOCKCLOSE", (select(3, stream:Read())))
      assert.is_string(stream:Add({ n = 1 }))
      local other = stream_of(client)
      waiting = tasks.parked(other.Read, other)
      waiting.task:Cancel()
      local again = tasks.parked(other.Read, other)
      client:Close()
      tasks.finished(again)
      assert.are.equal("ESOCKCLOSE", again[3])
      assert.are.equal("ESOCKCLOSE", (select(3, other:Read(100))))
    end)
  )

  it(
    "tells what the server refuses",
    tasks.spec(function()
      local client = client_of(servers.shared())
      client:Set("jobs", "text")
      local stream = stream_of(client)
      local _, message, code, err = stream:Read(5000)
      assert.matches("^stream jobs: WRONGTYPE", message)
      assert.are.equal("WRONGTYPE", code)
      assert.is_true(redis.is_error(err))
      for _, method in ipairs({ "Len", "Pending" }) do
        assert.are.equal("WRONGTYPE", (select(3, stream[method](stream))))
      end
      assert.are.equal("WRONGTYPE", (select(3, stream:Claim(0))))
      assert.are.equal("WRONGTYPE", (select(3, stream:Add({ a = 1 }))))
      assert.are.equal("WRONGTYPE", (select(3, stream:Consume(print))))
    end)
  )

  it(
    "tells that also who asks again and again without waiting",
    tasks.spec(function()
      local client = client_of(servers.shared())
      client:Set("jobs", "text")
      for _, stream in ipairs({ stream_of(client), own(redis.stream(client, "jobs")) }) do
        tasks.wait("the refusal", function()
          local entry, _, code, err = stream:Read(0)
          assert.is_nil(entry)
          assert.is_true(code == "ETIMEDOUT" or code == "WRONGTYPE" and redis.is_error(err))
          return code == "WRONGTYPE"
        end)
      end
      client:Del("jobs")
      local stream = stream_of(client)
      assert.is_string(stream:Add({ n = 1 }))
      assert.are.equal("1", stream:Read(5000).fields.n)
    end)
  )

  it(
    "blames the caller's line for wrong arguments",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local stream, plain = stream_of(client), redis.stream(client, "jobs")
      for message, wrong in pairs({
        ["bad argument #1 to 'stream' %(redis.client expected, got nil%)"] = function()
          redis.stream()
        end,
        ["bad argument #2 to 'stream' %(string expected, got nil%)"] = function()
          redis.stream(client)
        end,
        ["bad argument #3 to 'stream' %(unknown option groups%)"] = function()
          redis.stream(client, "k", { groups = "g" })
        end,
        ["bad argument #3 to 'stream' %(options group and consumer belong"] = function()
          redis.stream(client, "k", { group = "g" })
        end,
        ["bad argument #1 to 'Add' %(table of fields expected, got table%)"] = function()
          stream:Add({})
        end,
        ["bad argument #1 to 'Add' %(a value for each name expected"] = function()
          stream:Add({ "a" })
        end,
        ["bad argument #2 to 'Add' %(options maxlen and minid exclude each other%)"] = function()
          stream:Add({ a = 1 }, { maxlen = 1, minid = "1" })
        end,
        ["bad argument #1 to 'Read' %(milliseconds expected, got %-1%)"] = function()
          stream:Read(-1)
        end,
        ["bad argument #1 to 'Ack' %(id, entry or list of them expected, got nil%)"] = function()
          stream:Ack()
        end,
        ["bad argument #1 to 'Ack' %(id, entry or list of them expected, got number%)"] = function()
          stream:Ack(5)
        end,
        ["bad argument #1 to 'Claim'"] = function()
          stream:Claim()
        end,
        ["bad argument #1 to 'Trim'"] = function()
          stream:Trim()
        end,
        ["bad argument #1 to 'Pending' %(unknown option min%)"] = function()
          stream:Pending({ min = 1 })
        end,
        ["bad argument #1 to 'Consume' %(function expected, got nil%)"] = function()
          stream:Consume()
        end,
        ["bad argument #2 to 'Consume' %(options max_deliveries and dead_letter"] = function()
          stream:Consume(print, { max_deliveries = 1 })
        end,
        ["'Consume' is for a stream with a group"] = function()
          plain:Consume(print)
        end,
        ["calling 'Len' on bad self"] = function()
          stream.Len(client)
        end,
      }) do
        local fine, why = co.pcall(wrong)
        assert(not fine, message)
        assert.matches("^%S*redis_stream_spec.lua:%d+: " .. message, why)
      end
    end)
  )
end)

describe("workers of a stream", function()
  teardown(servers.finish)

  it(
    "handle every entry once, several at a time, and acknowledge it",
    tasks.spec(function()
      local client = client_of(servers.shared())
      add(client, 50)
      local stream, seen, busy, most = stream_of(client), {}, 0, 0
      local count = counting(seen)
      local consumed = co.spawn(function()
        return stream:Consume(function(entry, given)
          assert.are.equal(stream, given)
          busy = busy + 1
          most = math.max(most, busy)
          co.sleep(1)
          count(entry)
          busy = busy - 1
        end, { workers = 4 })
      end)
      tasks.wait("the entries", function()
        return count_of(seen) == 50 and stream:Pending().count == 0
      end)
      stream:Close()
      assert.are.same({ true }, { consumed:Join() })
      assert.is_true(most > 1 and most <= 4)
      for n = 1, 50 do
        assert.are.equal(1, seen[n])
      end
    end)
  )

  it(
    "wait for one another when no more may be without acknowledgement",
    tasks.spec(function()
      local client = client_of(servers.shared())
      add(client, 12)
      local stream, seen, busy, most = stream_of(client, "a", { unacked = 2, count = 1 }), {}, 0, 0
      local count = counting(seen)
      local consumed = co.spawn(stream.Consume, stream, function(entry)
        busy = busy + 1
        most = math.max(most, busy)
        co.sleep(2)
        count(entry)
        busy = busy - 1
      end, { workers = 4 })
      tasks.wait("the entries", function()
        return count_of(seen) == 12 and stream:Pending().count == 0
      end)
      stream:Close()
      assert.are.same({ true }, { consumed:Join() })
      assert.are.equal(2, most)
      -- Who has closed counts as a reader until the server has noticed: it would get the next ones.
      tasks.wait("the server to notice", function()
        return client:Info("clients"):find("blocked_clients:0", 1, true)
      end)
      -- What others have in hand does not come back: that is told.
      add(client, 2)
      local full = stream_of(client, "b", { unacked = 2 })
      read(full, 2)
      assert.are.equal("ENOBUFS", (select(3, full:Consume(print))))
    end)
  )

  it(
    "try again what has failed, and put away what fails too often",
    tasks.spec(function()
      local told = keep_errors()
      local client = client_of(servers.shared())
      add(client, 5)
      local stream, seen = stream_of(client), {}
      local count = counting(seen)
      local consumed = co.spawn(stream.Consume, stream, function(entry)
        count(entry)
        if entry.fields.n == "2" and seen[2] == 1 then
          return false
        elseif entry.fields.n == "4" then
          error("never fine")
        end
      end, { claim_idle_ms = 10, max_deliveries = 3, dead_letter = "dead" })
      tasks.wait("the dead letter", function()
        return client:XLen("dead") == 1 and stream:Pending().count == 0
      end)
      stream:Close()
      consumed:Join()
      assert.are.same({ 1, 2, 1, 3, 1 }, seen)
      local letter = client:XRange("dead", "-", "+")[1][2]
      assert.are.same({ "n", "4", "dead-stream", "jobs", "dead-id" }, {
        letter[1],
        letter[2],
        letter[3],
        letter[4],
        letter[5],
      })
      assert.are.same({ "dead-deliveries", "3" }, { letter[7], letter[8] })
      assert.are.equal(3, #told)
      assert.matches("never fine in the handler of stream jobs, entry %d+", told[1])
    end)
  )

  it(
    "take over from a consumer that is gone",
    tasks.spec(function()
      local client = client_of(servers.shared())
      add(client, 25)
      local dead = stream_of(client, "dead", { count = 25 })
      read(dead, 25)
      dead:Close()
      local living, seen = stream_of(client, "living"), {}
      local consumed = co.spawn(living.Consume, living, counting(seen), { claim_idle_ms = 20 })
      tasks.wait("the entries", function()
        return count_of(seen) == 25 and living:Pending().count == 0
      end)
      living:Close()
      consumed:Join()
    end)
  )

  it(
    "lose no entry while the connections of the server are cut",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      local stream, seen = stream_of(client, "a", { block_ms = 20 }), {}
      local consumed = co.spawn(stream.Consume, stream, counting(seen), {
        workers = 3,
        claim_idle_ms = 50,
      })
      for n = 1, 60 do
        server:Cli("XADD", "jobs", "*", "n", n)
        if n % 15 == 0 then
          server:Cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        end
        co.sleep(1)
      end
      tasks.wait("the entries", function()
        local pending = stream:Pending()
        return count_of(seen) == 60 and pending and pending.count == 0
      end)
      stream:Close()
      consumed:Join()
    end)
  )

  it(
    "end with their task, and leave what they had to others",
    tasks.spec(function()
      local client = client_of(servers.shared())
      add(client, 2)
      local stream = stream_of(client)
      local waiting = tasks.parked(stream.Consume, stream, function()
        co.sleep(10000)
      end, { workers = 2 })
      tasks.wait("the entries", function()
        return stream:Pending().count == 2
      end)
      waiting.task:Cancel()
      co.yield()
      assert.is_false(waiting.done)
      local other = stream_of(client, "other")
      assert.are.equal(2, #other:Claim(0))
    end)
  )

  it(
    "end when the stream is closed, though their server is gone",
    tasks.spec(function()
      local server = servers.server()
      local client = client_of(server, { timeout_ms = 50 })
      add(client, 1)
      local stream = stream_of(client)
      local consumed = tasks.parked(stream.Consume, stream, function()
        server:Kill()
      end)
      tasks.wait("the loss", function()
        return not client:Stats().is_connected
      end)
      co.sleep(100)
      stream:Close()
      assert.is_true(tasks.finished(consumed)[1])
    end)
  )

  it(
    "end when a handler closes the stream, or its client",
    tasks.spec(function()
      local client = client_of(servers.shared())
      add(client, 3)
      local stream = stream_of(client)
      assert.is_true(stream:Consume(function(_, given)
        given:Close()
      end))
      assert.are.equal(2, stream:Pending().count)
      local other = stream_of(client, "b")
      local _, _, code = other:Consume(function()
        client:Close()
      end, { claim_idle_ms = 1 })
      assert.are.equal("ESOCKCLOSE", code)
    end)
  )
end)

describe("a stream at a server that is no real one", function()
  --- A server that answers every command of a stream with `text`.
  local function fake(text)
    local listener = tasks.own(assert(chuck.io.listen("127.0.0.1:0", function(stream)
      local got = stream:ReadSome()
      while got do
        local _, commands = got:gsub("%*%d+\r\n", "")
        if not stream:Write(text:rep(commands)) then
          return
        end
        got = stream:ReadSome()
      end
    end)))
    return { address = listener:GetSockAddr() }
  end

  it(
    "does no harm to the program by what it answers",
    tasks.spec(function()
      local told = keep_errors()
      for _, text in ipairs({
        ":5\r\n",
        "+OK\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*2\r\n$4\r\njobs\r\n*1\r\n:1\r\n",
        "*1\r\n*2\r\n$4\r\njobs\r\n*1\r\n*1\r\n$-1\r\n",
        "*2\r\n$3\r\n0-0\r\n*1\r\n:7\r\n",
        "*4\r\n:1\r\n:1\r\n:1\r\n$3\r\nall\r\n",
        "*1\r\n*4\r\n$3\r\n1-1\r\n$1\r\na\r\n:1\r\n$1\r\nx\r\n",
      }) do
        local client = client_of(fake(text), { protocol = 2, timeout_ms = 200, heartbeat_ms = 0 })
        for _, start in ipairs({ "0", "$" }) do
          local alone = own(redis.stream(client, "jobs", { start = start, block_ms = 1 }))
          assert.are.equal("ETIMEDOUT", select(3, alone:Read(30)), text)
          alone:Close()
        end
        local stream = stream_of(client)
        assert.are.equal("ETIMEDOUT", select(3, stream:Read(30)), text)
        local calls = { { stream.Claim, 0 }, { stream.Pending }, { stream.Pending, {} } }
        for _, call in ipairs(calls) do
          local answer, _, code = call[1](stream, call[2])
          assert.is_true(type(answer) == "table" or code == "ERDISPERROR", text)
        end
        client:Close()
      end
      assert.are.same({}, told)
    end)
  )
end)
