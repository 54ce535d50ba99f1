--- Files below `chuck.http`: opened, read, and sent by the kernel behind what is queued.
local assert = require("luassert")
local chuck = require("chuck")
local lfs = require("lfs")
local native = require("chuck.native")
local net = require("spec.helper.net")
local program = require("spec.helper.program")
local sched = require("chuck.co.sched")
local tasks = require("spec.helper.tasks")

local http = native.http
local spec = tasks.spec

local CONTENT = net.pattern(5000000)
local folder, path

setup(function()
  folder = program.folder()
  path = folder .. "/content"
  program.write(path, CONTENT)
  program.write(folder .. "/small", "0123456789")
  lfs.mkdir(folder .. "/inner")
end)

teardown(function()
  program.shell("rm -rf " .. folder)
end)

--- A connection that is in the loop, what its peer has received, and both closed in the end.
local function pair()
  local near, far = tasks.connections()
  local seen = net.recorder()
  tasks.own(near):Add2Engine(sched.engine(), function(_, _, code)
    seen.near_code = code
  end)
  tasks.own(far):Add2Engine(sched.engine(), seen.on_packet)
  return near, seen, far
end

--- Waits until the peer has all of a text.
local function expect(seen, text)
  tasks.wait("the bytes", function()
    return seen.size >= #text
  end)
  net.assert_same_bytes(text, seen.text())
end

describe("send_file", function()
  it(
    "sends a part of a file in its turn, and tells when it is gone",
    spec(function()
      local conn, seen = pair()
      local file = assert(http.open_file(nil, path))
      local done = 0
      conn:Send(net.raw("before"))
      assert.is_true(http.send_file(conn, file, 100, 3000000, function(of)
        assert.are.equal(conn, of)
        done = done + 1
      end))
      conn:Send(net.raw("between"))
      assert.is_true(http.send_file(conn, file, 0, 0))
      assert.is_true(http.send_file(conn, file, 4999999, 1))
      file:Close()
      assert.are.equal("EBADF", select(3, http.send_file(conn, file, 0, 1)))
      assert.is_true(conn:QueuedBytes() > 0)
      local part = CONTENT:sub(101, 3000100)
      expect(seen, "before" .. part .. "between" .. CONTENT:sub(-1))
      assert.are.equal(1, done)
      assert.are.equal(0, conn:QueuedBytes())
    end)
  )

  it(
    "keeps what it needs when the file is collected, and lets go of it with the connection",
    spec(function()
      local conn, seen, far = pair()
      far:PauseRead()
      for _ = 1, 20 do
        assert.is_true(http.send_file(conn, assert(http.open_file(nil, path)), 0, 5000000))
      end
      collectgarbage()
      collectgarbage()
      assert.is_true(conn:QueuedBytes() > 50000000)
      far:ResumeRead()
      tasks.wait("some of it", function()
        return seen.size > 5000000
      end)
      net.assert_same_bytes(CONTENT, seen.text():sub(1, 5000000))
      conn:Close()
    end)
  )

  it(
    "may be called again, or close its connection, when it has told",
    spec(function()
      local conn, seen = pair()
      local file = assert(http.open_file(nil, path))
      local rounds = 0
      local function again()
        rounds = rounds + 1
        if rounds == 3 then
          conn:Close(5000)
        else
          assert(http.send_file(conn, file, 0, 1000000, again))
        end
      end
      again()
      expect(seen, CONTENT:sub(1, 1000000):rep(2))
      tasks.wait("the end", function()
        return seen.code == 0
      end)
      file:Close()
    end)
  )

  it(
    "sends what is left when its connection closes with time, and no more without",
    spec(function()
      for _, delay in ipairs({ 10000, 0 }) do
        local conn, seen = pair()
        local file = assert(http.open_file(nil, path))
        assert(http.send_file(conn, file, 0, 5000000))
        conn:Close(delay)
        assert.are.equal("ESOCKCLOSE", select(3, http.send_file(conn, file, 0, 1)))
        tasks.wait("the end", function()
          return seen.code
        end)
        assert.are.equal(delay > 0, seen.size == 5000000)
        file:Close()
      end
    end)
  )

  it(
    "counts into what the head has announced",
    spec(function()
      local conn, seen = pair()
      http.switch(conn, http.parts({ role = "server" }))
      local file = assert(http.open_file(nil, folder .. "/small"))
      assert.are.equal("EINVAL", select(3, http.send_file(conn, file, 0, 1)))
      http.respond(conn, 200, nil, nil, 10, 8)
      assert.is_true(http.send_file(conn, file, 0, 4))
      assert.are.equal("EINVAL", select(3, http.send_file(conn, file, 0, 7)))
      assert.are.equal("EINVAL", select(3, http.finish(conn)))
      assert.is_true(http.send_file(conn, file, 4, 6))
      assert.is_true(http.finish(conn))
      http.respond(conn, 200, nil, nil, true, 8)
      assert.is_true(http.send_file(conn, file, 0, 10))
      assert.is_true(http.send_file(conn, file, 0, 0))
      assert.is_true(http.finish(conn))
      expect(
        seen,
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"
          .. "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          .. "a\r\n0123456789\r\n0\r\n\r\n"
      )
      file:Close()
    end)
  )

  it(
    "refuses what is not in the file, folders, and more files than the queue takes",
    spec(function()
      local conn, _, far = pair()
      far:PauseRead()
      local file = assert(http.open_file(nil, folder .. "/small"))
      for _, span in ipairs({ { 0, 11 }, { 10, 1 }, { 2 ^ 52, 1 } }) do
        assert.are.equal("EINVAL", select(3, http.send_file(conn, file, span[1], span[2])))
      end
      local inner = assert(http.open_file(nil, folder .. "/inner"))
      assert.are.equal("EINVAL", select(3, http.send_file(conn, inner, 0, 0)))
      local large = assert(http.open_file(nil, path))
      conn:SetHighWater(1000, nil, 10000)
      local code
      for _ = 1, 20 do
        code = select(3, http.send_file(conn, large, 0, 5000000))
        if code then
          break
        end
      end
      assert.are.equal("ENOBUFS", code)
      for _, handle in ipairs({ file, inner, large }) do
        handle:Close()
        handle:Close()
      end
    end)
  )

  it(
    "blames the caller's line for wrong arguments",
    spec(function()
      local conn = pair()
      local file = assert(http.open_file(nil, path))
      local wrong = {
        { file, file, 0, 1 },
        { conn, conn, 0, 1 },
        { conn, file, -1, 1 },
        { conn, file, 0, -1 },
        { conn, file, 0, 0.5 },
        { conn, file, "x", 1 },
        { conn, file, 0, 1, 7 },
        {},
      }
      for i, list in ipairs(wrong) do
        local fine, problem = pcall(function()
          http.send_file(list[1], list[2], list[3], list[4], list[5])
        end)
        assert.is_false(fine, i)
        assert.matches("http_sendfile_spec%.lua:%d+: bad argument", problem)
      end
      assert.is_false(pcall(http.open_file, nil))
      assert.is_false(pcall(http.open_file, {}, "x"))
      assert.is_false(pcall(file.Read, conn, 0, 1))
      assert.is_false(pcall(file.Read, file, 0, 2 ^ 40))
      file:Close()
    end)
  )
end)

describe("open_file", function()
  it(
    "tells what it has opened, and why it has not",
    spec(function()
      local file, kind, size, modified, tag = http.open_file(folder, "small")
      assert.are.equal("file", kind)
      assert.are.equal(10, size)
      assert.is_true(math.abs(modified - os.time()) < 86400)
      assert.matches("^%x+%-a%-%x+$", tag)
      assert.are.equal("345", file:Read(3, 3))
      assert.are.equal("89", file:Read(8, 100))
      assert.are.equal("", file:Read(10, 1))
      assert.is_nil((file:List(10)))
      file:Close()
      assert.are.equal("EBADF", select(3, file:Read(0, 1)))
      for name, code in pairs({
        none = "ENOENT",
        ["../" .. folder:match("[^/]+$") .. "/small"] = "EXDEV",
        ["small/x"] = "ENOTDIR",
        [("x"):rep(5000)] = "ENAMETOOLONG",
        ["a\0b"] = "EINVAL",
      }) do
        local handle, message, got = http.open_file(folder, name)
        assert.is_nil(handle)
        assert.is_string(message)
        assert.are.equal(code, got)
      end
      assert.are.equal("ENOENT", select(3, http.open_file(folder .. "/none", "small")))
    end)
  )

  it(
    "lists what is in a folder",
    spec(function()
      local handle, kind = http.open_file(folder, "")
      assert.are.equal("folder", kind)
      local entries, is_more = handle:List(100)
      table.sort(entries, function(one, other)
        return one[1] < other[1]
      end)
      assert.is_false(is_more)
      assert.are.equal(3, #entries)
      assert.are.same(
        { "content", "file", 5000000 },
        { entries[1][1], entries[1][2], entries[1][3] }
      )
      assert.are.equal("folder", entries[2][2])
      local some, more = handle:List(2)
      assert.are.equal(2, #some)
      assert.is_true(more)
      handle:Close()
      assert.are.equal("EBADF", select(3, handle:List(1)))
    end)
  )

  it(
    "leaves nothing open when its files are forgotten",
    spec(function()
      for _ = 1, 500 do
        assert(http.open_file(folder, "small"))
      end
      collectgarbage()
      collectgarbage()
      assert.is_true(chuck.systick() > 0)
    end)
  )
end)
