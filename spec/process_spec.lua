--- Other programs: how they are started, what they get, and why they are not.
local chuck = require("chuck")
local lfs = require("lfs")

local Programs = require("spec.helper.programs")
local check = require("spec.helper.check")
local child_program = require("spec.helper.child")
local net = require("spec.helper.net")

local process, signal, socket_helper = chuck.process, chuck.signal, chuck.socket_helper
local raw = net.raw

local world, programs

before_each(function()
  world = net.open()
  programs = Programs.new(world)
end)

after_each(function()
  world:close()
end)

describe("process.spawn", function()
  it("tells the status of a child that returns, once", function()
    local child, seen = programs:shell("exit 3")
    programs:wait_for_end(seen)
    assert.are.same({ child, 3, nil }, { seen.child, seen.status, seen.signal })
    world:run(20)
    assert.are.equal(1, seen.calls)
  end)

  it("tells the signal of a child that is killed", function()
    local child, seen = programs:start({ "sleep", "60" })
    assert.are.equal(0, child:Kill(signal.SIGUSR1))
    programs:wait_for_end(seen)
    assert.are.same({ nil, signal.SIGUSR1 }, { seen.status, seen.signal })
  end)

  it("tells of a child that has ended before we look", function()
    local child, seen = programs:start({ "true" })
    -- It has ended when its number is a zombie's, whose parent we are.
    world:wait("a zombie", function()
      local file = io.open("/proc/" .. child:Pid() .. "/stat")
      local state = file and file:read("*a"):match("%) (%a)")
      if file then
        file:close()
      end
      return state == "Z" or seen.calls > 0
    end, world:new_engine())
    assert.are.equal(0, seen.calls)
    programs:wait_for_end(seen)
    assert.are.equal(0, seen.status)
  end)

  it("reads what a child prints, and its end", function()
    assert.are.equal("hello\n", (programs:output_of({ "echo", "hello" })))
  end)

  it("writes what a child reads, and its end", function()
    local child, seen = programs:start({ "cat", stdin = "pipe", stdout = "pipe" })
    local input, out = programs:record(child:Stdin()), programs:record(child:Stdout())
    local sent = net.pattern(300000)
    assert.are.equal(0, child:Stdin():Send(raw(sent)))
    child:Stdin():ShutdownWrite()
    world:wait("the end", function()
      return out.code and input.code and seen.calls > 0
    end)
    net.assert_same_bytes(sent, out.text())
    assert.are.same({ 0, 0, 0 }, { out.code, input.code, seen.status })
  end)

  it("sends frames, and decodes what the child prints", function()
    local decoder = chuck.decoder.connection.rpacket(4096)
    local options = { "cat", stdin = "pipe", stdout = "pipe", decoder = decoder }
    local child, seen = programs:start(options)
    programs:record(child:Stdin())
    local out = programs:record(child:Stdout())
    for n = 1, 100 do
      child:Stdin():Send(net.frame("packet " .. n))
    end
    child:Stdin():Close(1000)
    programs:wait_for_end(seen)
    world:wait("the end", function()
      return out.code
    end)
    assert.are.equal(100, #out.packets)
    assert.are.equal("packet 100", out.packets[100]:ReadStr())
  end)

  it("keeps output and errors apart, or together", function()
    local pipes = { stdout = "pipe", stderr = "pipe" }
    local child, seen = programs:shell("echo out; echo err >&2", pipes)
    local out, err = programs:record(child:Stdout()), programs:record(child:Stderr())
    programs:wait_for_end(seen)
    world:wait("both ends", function()
      return out.code and err.code
    end)
    assert.are.same({ "out\n", "err\n" }, { out.text(), err.text() })
    local options = { "sh", "-c", "echo out; echo err >&2", stderr = "stdout" }
    assert.are.equal("out\nerr\n", (programs:output_of(options)))
  end)

  it("has no connections where there are no pipes", function()
    local child, seen = programs:start({ "true", stdin = "null", stdout = "null" })
    assert.are.same({}, { child:Stdin(), child:Stdout(), child:Stderr() })
    programs:wait_for_end(seen)
  end)

  it("cuts what it reads by recvbuf", function()
    local child = programs:start({ "printf", "123456789", stdout = "pipe", recvbuf = 4 })
    local out = programs:record(child:Stdout())
    world:wait("the end", function()
      return out.code
    end)
    assert.are.equal("123456789", out.text())
    assert.are.equal(3, #out.packets)
  end)

  it("hands descriptors on by their numbers", function()
    local near, far = world:fd_pair()
    local _, seen = programs:start({ "echo", "to the socket", stdout = near })
    programs:wait_for_end(seen)
    socket_helper.close(near)
    local received = programs:record(world:connection(far))
    world:wait("the end", function()
      return received.code
    end)
    assert.are.equal("to the socket\n", received.text())
  end)

  it("passes arguments as they are", function()
    local odd = { "", "two words", "line\nfeed", "\1\255\200", "$HOME", "" }
    local options = { "sh", "-c", [[printf '%s|' "$@"]], "sh" }
    for _, arg in ipairs(odd) do
      options[#options + 1] = arg
    end
    assert.are.equal(table.concat(odd, "|") .. "|", (programs:output_of(options)))
  end)

  it("takes very many arguments, and refuses more than the system has room for", function()
    local args = { "sh", "-c", "echo $#", "sh" }
    for n = 1, 20000 do
      args[#args + 1] = tostring(n)
    end
    assert.are.equal("20000\n", (programs:output_of({ args = args })))
    local long = ("x"):rep(2 ^ 20)
    for n = 1, 16 do
      args[n + 4] = long
    end
    local child, why, code = process.spawn(world.engine, { args = args })
    assert.are.same({ nil, "E2BIG" }, { child, code })
    assert.is_truthy(why:find('cannot execute "sh"', 1, true))
  end)

  it("replaces the environment, or adds to it", function()
    local env = { ODD = "\1\255 =", EMPTY = "" }
    local text = programs:output_of({ "/usr/bin/env", env = env })
    assert.is_truthy(text == "ODD=\1\255 =\nEMPTY=\n" or text == "EMPTY=\nODD=\1\255 =\n", text)
    local more = { "sh", "-c", "echo $CHUCK_X$PATH", env = { CHUCK_X = "x" }, extend_env = true }
    assert.are.equal("x" .. os.getenv("PATH") .. "\n", (programs:output_of(more)))
    assert.are.equal("", (programs:output_of({ "/usr/bin/env", env = {} })))
  end)

  it("begins in its directory", function()
    assert.are.equal("/\n", (programs:output_of({ "pwd", cwd = "/" })))
  end)

  it("says why there is no process", function()
    local plain = os.tmpname()
    local cases = {
      { { "chuck-no-such-program" }, "ENOENT", 'cannot execute "chuck-no-such-program"' },
      { { "/nonexistent/program" }, "ENOENT", 'cannot execute "/nonexistent/program"' },
      { { "" }, "ENOENT", 'cannot execute ""' },
      { { "/tmp" }, "EACCES", 'cannot execute "/tmp"' },
      { { plain }, "EACCES", "cannot execute" },
      { { plain .. "/x" }, "ENOTDIR", "cannot execute" },
      { { "true", cwd = "/nonexistent" }, "ENOENT", 'cannot enter "/nonexistent" to run "true"' },
      { { "true", stdin = 12345 }, "EBADF", "Bad file descriptor" },
      { { "true", listen = { web = 12345 } }, "EBADF", "Bad file descriptor" },
    }
    for _, case in ipairs(cases) do
      local child, why, code = process.spawn(world.engine, case[1], error)
      assert.are.same({ nil, case[2] }, { child, code }, case[1][1])
      assert.is_truthy(why:find(case[3], 1, true), why)
    end
    os.remove(plain)
    assert.are.equal(0, Programs.children())
  end)

  it("is refused by a closed engine", function()
    local engine = chuck.engine()
    engine:Close()
    local child, _, code = process.spawn(engine, { "true" })
    assert.are.same({ nil, "EENGCLOSE" }, { child, code })
  end)

  it("raises for options that are none", function()
    local cases = {
      { {}, "args: the name of a program expected" },
      { { args = {} }, "args: the name of a program expected" },
      { { args = "true" }, "args: list of strings expected, got string" },
      { { "true", 1 }, "2: string expected, got number" },
      { { "true", "\0" }, "2: string has a zero byte in it" },
      { { "true", strerr = "null" }, 'unknown option "strerr"' },
      { { "true", env = 1 }, "env: table expected, got number" },
      { { "true", env = { ["A=B"] = "" } }, 'env: names are strings without "="' },
      { { "true", env = { A = 1 } }, "env: A: string expected, got number" },
      { { "true", env = { "A=1" } }, "env: names are strings" },
      { { "true", cwd = true }, "cwd: string expected, got boolean" },
      { { "true", stdin = "stdout" }, 'stdin: "pipe", "null", "inherit", or a descriptor' },
      { { "true", stderr = {} }, '"stdout", or a descriptor expected, got table' },
      { { "true", detached = 1 }, "detached: boolean expected, got number" },
      { { "true", listen = { ["a:b"] = 1 } }, "listen: names are short words" },
      {
        { "true", listen = { a = "b" } },
        "listen: acceptor, listener or descriptor expected, got string",
      },
      { { "true", decoder = 1 }, "decoder: decoder expected, got number" },
      {
        { "true", decoder = chuck.decoder.datagram.rawpacket },
        "decoder: a decoder of chuck.decoder.connection",
      },
      { { "true", recvbuf = 0 }, "recvbuf: a number of bytes, at least 1" },
    }
    for _, case in ipairs(cases) do
      local fine, why = pcall(process.spawn, world.engine, case[1])
      assert.is_false(fine, case[2])
      assert.is_truthy(why:find(case[2], 1, true), why)
    end
  end)

  it("inherits no descriptor by accident, not even of Lua's files", function()
    local file = assert(io.open("/dev/null"))
    local near = world:fd_pair()
    local text = programs:output_of({ "ls", "/dev/fd/", stdin = "null" })
    -- 3 is the folder that ls reads.
    assert.are.equal("0\n1\n2\n3\n", text)
    file:close()
    socket_helper.close(near)
  end)

  it("hands nothing of ours on where we were started without a standard descriptor", function()
    local result = child_program.run(
      [[
      local chuck = require("chuck")
      -- Its descriptors take the places that are free.
      local engine = chuck.engine()
      local script = "readlink /proc/self/fd/0 /proc/self/fd/2"
      local child = assert(chuck.process.spawn(engine, { "sh", "-c", script }, function()
        engine:Stop()
      end))
      engine:Run()
      engine:Close()
      engine = chuck.engine()
      for number = 0, 2, 2 do
        local options = { "true", stdin = "pipe", stdout = number }
        print(select(2, chuck.process.spawn(engine, options)))
      end
    ]],
      "0<&- 2>&-"
    )
    local refused = 'cannot start "true": Bad file descriptor\tEBADF\n'
    assert.are.equal("/dev/null\n/dev/null\n" .. refused .. refused, result.output)
  end)

  it("hands listening descriptors over as systemd does", function()
    local first, second = world:listen(), world:listen()
    local acceptor = world:own(chuck.acceptor(second))
    local text = programs:output_of({
      "sh",
      "-c",
      "echo $LISTEN_FDS $LISTEN_FDNAMES; test $LISTEN_PID = $$ && ls -L /dev/fd/3 /dev/fd/4",
      listen = { web = acceptor, admin = first },
    })
    assert.are.equal("2 admin:web\n/dev/fd/3\n/dev/fd/4\n", text)
    local script = "echo $LISTEN_FDS $LISTEN_FDNAMES"
    text = programs:output_of({ "sh", "-c", script, listen = { first } })
    assert.are.equal("1 unknown\n", text)
  end)

  it("hands on what chuck.listen has made, whose file is the program's then", function()
    local path = os.tmpname()
    local script = "echo $LISTEN_FDNAMES; ls -L /dev/fd/3"
    for _, case in ipairs({
      { args = { "true" }, is_left = false },
      { listen = true, args = { "/no/such/program" }, is_left = false },
      { listen = true, args = { "sh", "-c", script }, is_left = true },
    }) do
      os.remove(path)
      local listener = world:own(assert(chuck.listen(world.engine, "unix:" .. path, net.ignore)))
      local options = { args = case.args, listen = case.listen and { web = listener } }
      if case.is_left then
        assert.are.equal("web\n/dev/fd/3\n", (programs:output_of(options)))
      else
        process.spawn(world.engine, options)
      end
      listener:Close()
      assert.are.equal(case.is_left, lfs.symlinkattributes(path) ~= nil, case.args[1])
    end
    os.remove(path)
  end)

  it("gives a detached child a session of its own", function()
    local text = programs:output_of({ "sh", "-c", "ps -o pid=,sid= -p $$", detached = true })
    local pid, session = text:match("(%d+)%s+(%d+)")
    assert.are.equal(pid, session)
  end)

  it("fails without a process or a descriptor left when descriptors run out", function()
    local result = child_program.run(
      [[
      local chuck = require("chuck")
      local lfs = require("lfs")
      local engine, taken, results = chuck.engine(), {}, {}
      local file
      repeat
        taken[#taken + 1] = file
        file = io.open("/dev/null")
      until not file
      for room = 0, 20 do
        local options = { "true", stdin = "pipe", stdout = "pipe", stderr = "pipe" }
        local ended = false
        local child, _, code = chuck.process.spawn(engine, options, function()
          ended = true
        end)
        results[#results + 1] = code or "started"
        if child then
          while not ended do
            engine:Run(1)
          end
          child:Stdin():Close()
          child:Stdout():Close()
          child:Stderr():Close()
        end
        taken[#taken]:close()
        taken[#taken] = nil
      end
      for _, left in ipairs(taken) do
        left:close()
      end
      local count = 0
      for _ in lfs.dir("/proc/self/fd") do
        count = count + 1
      end
      local children = io.open("/proc/self/task/" .. chuck.process.pid() .. "/children")
      print(count, children:read("*a") == "", table.concat(results, " "))
    ]],
      "ulimit -n 40;"
    )
    assert.are.equal(0, result.status, result.output)
    local count, childless, results = result.output:match("(%d+)\t(%a+)\t(.-)\n")
    -- Three, the folder, what the engine has, and the two dots.
    assert.are.equal("true", childless)
    assert.is_true(tonumber(count) <= 9, count)
    local words = {}
    for word in results:gmatch("%S+") do
      words[#words + 1] = word
      assert.is_truthy(word == "EMFILE" or word == "started", results)
    end
    assert.are.equal("EMFILE", words[1])
    assert.are.equal("started", words[#words])
  end)
end)

describe("process.fork", function()
  it("returns the number of a program that is nobody's child", function()
    local path = os.tmpname()
    local line = ("echo $$ $# $1 >%s.part; mv %s.part %s"):format(path, path, path)
    os.remove(path)
    local pid = assert(process.fork("/bin/sh", "-c", line, "sh", "one argument"))
    world:wait("its file", function()
      return lfs.attributes(path)
    end)
    local file = assert(io.open(path))
    assert.are.equal(pid .. " 1 one argument\n", file:read("*a"))
    file:close()
    os.remove(path)
    assert.are.equal(0, Programs.children())
  end)

  it("ignores SIGHUP, has no terminal, and nothing of ours open", function()
    local path = os.tmpname()
    os.remove(path)
    local line = "(ls -l /proc/self/fd; grep SigIgn /proc/self/status) >%s.part; mv %s.part %s"
    assert(process.fork("/bin/sh", "-c", (line:gsub("%%s", path))))
    world:wait("its file", function()
      return lfs.attributes(path)
    end)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    os.remove(path)
    assert.is_truthy(text:find(" 0 -> /dev/null", 1, true), text)
    assert.is_truthy(text:find(" 2 -> /dev/null", 1, true), text)
    assert.is_nil(text:find("socket", 1, true), text)
    assert.is_truthy(tonumber(text:match("SigIgn:%s*(%x+)"), 16) % 2 == 1, text)
  end)

  it("says why there is no program, and leaves nothing", function()
    local paths = { ["/nonexistent"] = "ENOENT", ["/tmp"] = "EACCES", sh = "ENOENT" }
    for path, expected in pairs(paths) do
      local pid, why, code = process.fork(path)
      assert.are.same({ nil, expected }, { pid, code }, path)
      assert.is_truthy(why:find(('cannot execute "%s"'):format(path), 1, true), why)
    end
    assert.are.equal(0, Programs.children())
  end)

  it("raises for what is no string", function()
    local cases = { {}, { 1 }, { "/bin/true", 1 }, { "/bin/true", "\0" }, { "/bin/true", {} } }
    for _, args in ipairs(cases) do
      assert.is_false(pcall(process.fork, check.unpack(args)))
    end
  end)
end)

describe("process", function()
  it("knows our number and our parent's", function()
    assert.are.equal(check.pid(), process.pid())
    assert.is_true(Programs.exists(process.ppid()))
  end)

  it("kills with 0, or says why not", function()
    assert.are.equal(0, process.kill(process.pid(), 0))
    assert.are.equal(-chuck.error.EINVAL, process.kill(process.pid(), 1000))
    local child, seen = programs:start({ "true" })
    programs:wait_for_end(seen)
    assert.are.equal(-chuck.error.ESRCH, process.kill(child:Pid(), 0))
  end)

  it("starts programs with several engines in one process", function()
    local other, count = world:new_engine(), 0
    for n = 1, 40 do
      process.spawn(n % 2 == 0 and other or world.engine, { "true" }, function()
        count = count + 1
      end)
    end
    world:wait("all of them", function()
      other:Run(0)
      return count == 40
    end)
  end)
end)
