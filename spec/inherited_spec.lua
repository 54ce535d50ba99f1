--- Descriptors that were opened by whoever has started the process: systemd's protocol.
local child = require("spec.helper.child")

local has_python = child.shell("command -v python3").status == 0

--- Runs Lua with listening sockets at 3 and following, opened by Python; the variables as given.
--- In `variables`, PID stands for the number of the process.
local function start(program, sockets, variables)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(program)
  file:close()
  local lines = { "import os, socket, sys", "sockets = []" }
  for _ = 1, sockets do
    lines[#lines + 1] = "sockets.append(socket.create_server(('127.0.0.1', 0)))"
  end
  lines[#lines + 1] = "high = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(sockets)]"
  lines[#lines + 1] = "for s in sockets: s.close()"
  lines[#lines + 1] = "for i, fd in enumerate(high): os.dup2(fd, 3 + i); os.close(fd)"
  for name, value in pairs(variables) do
    local set = "os.environ['%s'] = '%s'.replace('PID', str(os.getpid()))"
    lines[#lines + 1] = set:format(name, value)
  end
  lines[#lines + 1] = ("os.execvp('%s', ['%s', '%s'])"):format(child.lua, child.lua, path)
  local script = os.tmpname()
  file = assert(io.open(script, "wb"))
  file:write(table.concat(lines, "\n"), "\n")
  file:close()
  local result = child.shell("timeout 20 python3 " .. script)
  os.remove(path)
  os.remove(script)
  return result
end

describe("inherited descriptors", function()
  if not has_python then
    pending("need python3 to open them")
    return
  end

  local for_us = { LISTEN_PID = "PID", LISTEN_FDS = "2", LISTEN_FDNAMES = "web:admin" }

  it("are listed in order and by name, the same at every call", function()
    local result = start(
      [[
      local net = require("chuck").socket_helper
      for _ = 1, 2 do
        local found = net.inherited()
        print(#found, found[1] == found.web, found[2] == found.admin, found.web, found.admin)
        assert(net.getsockname(found.web):match("^127%.0%.0%.1:%d+$"))
      end
    ]],
      2,
      for_us
    )
    assert.are.equal(("2\ttrue\ttrue\t3\t4\n"):rep(2), result.output)
  end)

  it("are listened at, and get connections", function()
    local result = start(
      [[
      local chuck = require("chuck")
      local engine, inherited = chuck.engine(), chuck.socket_helper.inherited()
      local listener = assert(chuck.listen(engine, "web", function(conn, peer)
        print(peer:match("^127%.0%.0%.1:") and "came")
        engine:Stop()
      end, { fd = inherited.web }))
      chuck.dial(engine, listener:GetSockAddr(), 5000, function(conn) assert(conn) end)
      engine:Run(5000)
    ]],
      2,
      for_us
    )
    assert.are.equal("came\n", result.output)
  end)

  it("and the variables do not reach children", function()
    local result = start(
      [[
      require("chuck").socket_helper.inherited()
      -- The shell or what it runs may open others, which are no sockets.
      os.execute("env | grep LISTEN_; ls -l /proc/self/fd/ | grep socket: ; true")
      print(os.getenv("LISTEN_FDS"), os.getenv("LISTEN_PID"), os.getenv("LISTEN_FDNAMES"))
    ]],
      2,
      for_us
    )
    assert.are.equal("nil\tnil\tnil\n", result.output)
  end)

  it("without names are called unknown", function()
    local program = [[
      local found = require("chuck").socket_helper.inherited()
      print(#found, found.unknown == found[1])
    ]]
    local result = start(program, 2, { LISTEN_PID = "PID", LISTEN_FDS = "2" })
    assert.are.equal("2\ttrue\n", result.output)
  end)

  it("are none when they are not meant for this process, or make no sense", function()
    local program = [[
      local chuck = require("chuck")
      local found = chuck.socket_helper.inherited()
      print(#found, next(found), chuck.socket_helper.close(3) == -chuck.error.EBADF)
    ]]
    for _, variables in ipairs({
      {},
      { LISTEN_FDS = "2" },
      { LISTEN_PID = "1", LISTEN_FDS = "2" },
      { LISTEN_PID = "PID" },
      { LISTEN_PID = "PID", LISTEN_FDS = "0" },
      { LISTEN_PID = "PID", LISTEN_FDS = "-2" },
      { LISTEN_PID = "PID", LISTEN_FDS = "two" },
    }) do
      assert.are.equal("0\tnil\ttrue\n", start(program, 2, variables).output)
    end
  end)

  it("that are announced and not there are left out, and none of our own is taken", function()
    local result = start(
      [[
      local chuck = require("chuck")
      local engine = chuck.engine()
      local own = chuck.socket_helper.socket(2, 1, 6)
      local found = chuck.socket_helper.inherited()
      print(#found, found[1])
      assert(chuck.socket_helper.close(own) == 0)
      assert(engine:Run(10) == 0)
    ]],
      1,
      { LISTEN_PID = "PID", LISTEN_FDS = "999999" }
    )
    assert.are.equal("1\t3\n", result.output)
  end)
end)
