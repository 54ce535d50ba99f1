--- Reading streams byte by byte, line by line, up to a mark, or to the end.
local chuck = require("chuck")
local net = require("spec.helper.net")
local tasks = require("spec.helper.tasks")

local co, io = chuck.co, chuck.io
local spec = tasks.spec

describe("Read", function()
  it(
    "gives exactly so many bytes, whatever the pieces",
    spec(function()
      local peer, stream = tasks.peer()
      local reader = tasks.parked(stream.Read, stream, 5)
      peer.send("ab")
      co.sleep(5)
      assert.is_false(reader.done)
      peer.send("cdefgh")
      assert.are.equal("abcde", tasks.finished(reader)[1])
      assert.are.equal("f", stream:Read(1))
      assert.are.equal("", stream:Read(0))
      assert.are.equal("gh", stream:Read(2))
    end)
  )

  it(
    "gives more than is kept while nobody reads",
    spec(function()
      local near, far = tasks.pair({ read_ahead = 1000 })
      local text = net.pattern(3000000)
      co.spawn(function()
        assert(near:Write(text))
      end)
      net.assert_same_bytes(text, assert(far:Read(#text)))
    end)
  )

  it(
    "leaves what is there when there is not enough before the end",
    spec(function()
      local peer, stream = tasks.peer()
      peer.send("abc")
      peer.conn:ShutdownWrite()
      local got, message, code = stream:Read(4)
      assert.is_nil(got)
      assert.are.equal("EOF", code)
      assert.matches("has ended", message)
      assert.are.equal("abc", stream:Read(3))
      assert.are.equal("EOF", select(3, stream:Read(1)))
    end)
  )

  it(
    "raises in the caller for what is no count",
    spec(function()
      local _, stream = tasks.peer()
      for _, bad in ipairs({ -1, 1.5, "3", {}, 0 / 0 }) do
        local fine, message = pcall(stream.Read, stream, bad)
        assert.is_false(fine)
        assert.matches("io_bytes_spec.lua:", (select(
          2,
          pcall(function()
            return stream:Read(bad), 1
          end)
        )))
        assert.matches("bad argument #2 to 'Read'", message)
      end
      assert.has_error(function()
        stream:Read()
      end)
      assert.has_error(function()
        stream.Read(1)
      end)
    end)
  )
end)

describe("ReadSome", function()
  it(
    "gives what has arrived, and no more than it is asked for",
    spec(function()
      local peer, stream = tasks.peer()
      local reader = tasks.parked(stream.ReadSome, stream)
      peer.send("hello")
      assert.are.equal("hello", tasks.finished(reader)[1])
      peer.send("world")
      assert.are.equal("wo", stream:ReadSome(2))
      assert.are.equal("rld", stream:ReadSome(100))
    end)
  )
end)

describe("ReadAll", function()
  it(
    "gives everything up to the end, and then nothing",
    spec(function()
      local peer, stream = tasks.peer()
      peer.send("one ")
      local reader = tasks.parked(stream.ReadAll, stream)
      peer.send("two")
      peer.conn:ShutdownWrite()
      assert.are.equal("one two", tasks.finished(reader)[1])
      assert.are.equal("", stream:ReadAll())
      assert.are.equal("EOF", select(3, stream:ReadSome()))
    end)
  )

  it(
    "refuses more than its maximum and loses nothing",
    spec(function()
      local peer, stream = tasks.peer()
      peer.send("123456")
      peer.conn:ShutdownWrite()
      assert.are.equal("EMSGSIZE", select(3, stream:ReadAll(5)))
      assert.are.equal("123456", stream:ReadAll(6))
    end)
  )
end)

describe("ReadLine", function()
  local TEXT = "one\ntwo\r\n\n\r\nth\rree\r\r\nlast"
  local LINES = { "one", "two", "", "", "th\rree\r", "last" }

  local function lines_of(stream)
    local lines = {}
    while true do
      local line, _, code = stream:ReadLine(1000)
      if not line then
        assert.are.equal("EOF", code)
        return lines
      end
      lines[#lines + 1] = line
    end
  end

  it(
    "gives the same lines wherever the text is cut",
    spec(function()
      for cut = 1, #TEXT - 1 do
        local peer, stream = tasks.peer()
        local lines
        local reader = co.spawn(function()
          lines = lines_of(stream)
        end)
        peer.send(TEXT:sub(1, cut))
        co.sleep(1)
        peer.send(TEXT:sub(cut + 1))
        peer.conn:ShutdownWrite()
        reader:Join()
        assert.are.same(LINES, lines, "cut after " .. cut)
        stream:Close(0)
        peer.conn:Close()
      end
    end)
  )

  it(
    "gives the same lines byte by byte",
    spec(function()
      local peer, stream = tasks.peer()
      local lines
      local reader = co.spawn(function()
        lines = lines_of(stream)
      end)
      for i = 1, #TEXT do
        peer.send(TEXT:sub(i, i))
        co.sleep(1)
      end
      peer.conn:ShutdownWrite()
      reader:Join()
      assert.are.same(LINES, lines)
    end)
  )

  it(
    "keeps its maximum, with LF and CRLF, and loses nothing beyond",
    spec(function()
      for _, ending in ipairs({ "\n", "\r\n" }) do
        for _, is_slow in ipairs({ false, true }) do
          local peer, stream = tasks.peer()
          peer.send("12345")
          if is_slow then
            co.sleep(2)
          end
          peer.send(ending)
          assert.are.equal("12345", stream:ReadLine(5))
          peer.send("123456")
          if is_slow then
            co.sleep(2)
          end
          peer.send(ending)
          local got, message, code = stream:ReadLine(5)
          assert.is_nil(got)
          assert.are.equal("EMSGSIZE", code)
          assert.matches("no end of a line in 5 bytes", message)
          assert.are.equal("EMSGSIZE", select(3, stream:ReadLine(5)))
          assert.are.equal("123456", stream:ReadLine(6))
        end
      end
    end)
  )

  it(
    "refuses a line without an end as soon as it is too long",
    spec(function()
      local peer, stream = tasks.peer()
      peer.send("123456")
      assert.are.equal("EMSGSIZE", select(3, stream:ReadLine(5, 5000)))
      peer.send(("x"):rep(100000))
      assert.are.equal("EMSGSIZE", select(3, stream:ReadLine(nil, 5000)))
      assert.are.equal(100006, #stream:Read(100006))
    end)
  )

  it(
    "does not look at the same bytes again and again",
    spec(function()
      -- A line of many pieces: when every piece costs a look at all before, this takes minutes.
      local near, far = tasks.pair({ read_ahead = 100 })
      local count = 40000
      co.spawn(function()
        for i = 1, count do
          near:Write("0123456789")
          if i % 4 == 0 then
            near:Flush()
          end
        end
        near:Write("\n")
      end)
      local began = chuck.systick()
      assert.are.equal(10 * count, #assert(far:ReadLine(10 * count)))
      assert.is_true(chuck.systick() - began < 10000)
    end)
  )
end)

describe("ReadUntil", function()
  local MARK = "--ab-"
  local TEXT = "-----ab-x---a" .. MARK .. MARK .. "---ab--rest"

  it(
    "finds a mark wherever the text is cut in two, and whatever was read before",
    spec(function()
      for cut = 1, #TEXT - 1 do
        local peer, stream = tasks.peer()
        local found = {}
        local reader = co.spawn(function()
          stream:Read(1)
          for i = 1, 3 do
            found[i] = stream:ReadUntil(MARK)
          end
        end)
        peer.send(TEXT:sub(1, cut))
        co.sleep(1)
        peer.send(TEXT:sub(cut + 1))
        reader:Join()
        assert.are.same({ "--", "x---a", "" }, found, "cut after " .. cut)
        peer.conn:ShutdownWrite()
        assert.are.equal("---ab--rest", stream:ReadAll())
        stream:Close(0)
        peer.conn:Close()
      end
    end)
  )

  it(
    "finds a mark that comes byte by byte",
    spec(function()
      local peer, stream = tasks.peer()
      local found = {}
      local reader = co.spawn(function()
        for i = 1, 3 do
          found[i] = stream:ReadUntil(MARK)
        end
      end)
      for i = 1, #TEXT do
        peer.send(TEXT:sub(i, i))
        co.sleep(1)
      end
      reader:Join()
      assert.are.same({ "---", "x---a", "" }, found)
    end)
  )

  it(
    "keeps its maximum, and loses nothing beyond",
    spec(function()
      local peer, stream = tasks.peer()
      peer.send("12345\r\n\r\n123456\r\n\r\n")
      assert.are.equal("12345", stream:ReadUntil("\r\n\r\n", 5))
      assert.are.equal("EMSGSIZE", select(3, stream:ReadUntil("\r\n\r\n", 5)))
      assert.are.equal("123456", stream:ReadUntil("\r\n\r\n", 6))
      peer.send("1234567890")
      assert.are.equal("EMSGSIZE", select(3, stream:ReadUntil("\r\n\r\n", 5, 5000)))
      assert.are.equal("1234567890", stream:Read(10))
    end)
  )

  it(
    "gives nothing without the mark, and leaves what is there",
    spec(function()
      local peer, stream = tasks.peer()
      peer.send("no mark")
      peer.conn:ShutdownWrite()
      assert.are.equal("EOF", select(3, stream:ReadUntil("|")))
      assert.are.equal("no mark", stream:ReadLine())
    end)
  )

  it(
    "raises for a mark that is none",
    spec(function()
      local _, stream = tasks.peer()
      for _, bad in ipairs({ "", 5, false }) do
        local _, message = pcall(stream.ReadUntil, stream, bad)
        assert.matches("bad argument #2 to 'ReadUntil'", message)
      end
    end)
  )
end)

describe("what is not read", function()
  it(
    "stays bounded, has the peer wait, and is all there in the end",
    spec(function()
      local near, far = tasks.pair({ read_ahead = 10000, high_water = 10000 })
      local text = net.pattern(1000000)
      local written = 0
      co.spawn(function()
        for at = 1, 40 * 1000000, 1000000 do
          if not near:Write(text) then
            return
          end
          written = at + #text
        end
        near:Shutdown()
      end)
      co.sleep(50)
      local before = written
      co.sleep(20)
      assert.are.equal(before, written)
      assert.is_true(written < 20 * 1000000)
      assert.is_true(far.size < 10000 + 2 * 256 * 1024)
      for _ = 1, 40 do
        net.assert_same_bytes(text, assert(far:Read(#text)))
      end
      assert.are.equal("EOF", select(3, far:Read(1)))
    end)
  )

  it(
    "is found by every way to read, in any order",
    spec(function()
      local peer, stream = tasks.peer()
      peer.send("ab1234|line one\nsome")
      co.sleep(2)
      assert.are.equal("ab", stream:Read(2))
      assert.are.equal("1234", stream:ReadUntil("|"))
      assert.are.equal("line", stream:Read(4))
      assert.are.equal(" one", stream:ReadLine())
      assert.are.equal("some", stream:TryReadPacket():ReadBin())
      assert.is_nil(stream:TryReadPacket())
    end)
  )
end)

describe("iterators", function()
  local parks = rawget(_G, "jit") ~= nil or _VERSION ~= "Lua 5.1"

  if not parks then
    pending("cannot park on Lua 5.1 itself")
    return
  end

  it(
    "give lines, pieces and packets up to the end",
    spec(function()
      local peer, stream = tasks.peer()
      peer.send("one\ntwo")
      peer.conn:ShutdownWrite()
      local lines = {}
      for line in stream:Lines() do
        lines[#lines + 1] = line
      end
      assert.are.same({ "one", "two" }, lines)

      peer, stream = tasks.peer()
      peer.send("12345")
      peer.conn:ShutdownWrite()
      local pieces = {}
      for piece in stream:Chunks(2) do
        pieces[#pieces + 1] = piece
      end
      assert.are.same({ "12", "34", "5" }, pieces)

      peer, stream = tasks.peer()
      peer.send("12345")
      peer.conn:ShutdownWrite()
      local size = 0
      for packet in stream:Packets() do
        size = size + #packet
      end
      assert.are.equal(5, size)
    end)
  )
end)

describe("io.stream", function()
  it("raises outside of tasks, and for what is no connection", function()
    assert.has_error(function()
      io.stream(5)
    end)
    tasks.run(function()
      local near, far = tasks.connections()
      assert.has_error(function()
        io.stream(near, { unknown = 1 })
      end)
      assert.has_error(function()
        io.stream(near, { high_water = 100, send_limit = 199 })
      end)
      tasks.own(io.stream(near))
      local twice, _, code = io.stream(near)
      assert.is_nil(twice)
      assert.is_truthy(code)
      far:Close()
    end)
  end)
end)
