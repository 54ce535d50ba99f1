--- io.popen: programs for tasks.
local chuck = require("chuck")
local net = require("spec.helper.net")
local tasks = require("spec.helper.tasks")

local co, io, process = chuck.co, chuck.io, chuck.process
local spec = tasks.spec

local function is_running(pid)
  return process.kill(pid, 0) == 0
end

describe("io.popen", function()
  it(
    "writes to a program, reads from it, and waits for it",
    spec(function()
      local program = assert(io.popen({ "sort", "-n" }))
      assert.is_true(program:Write("3\n1\n", "2\n"))
      program:Shutdown()
      assert.are.equal("1", program:ReadLine())
      assert.are.equal("2\n3\n", program:ReadAll())
      assert.are.equal("EOF", select(3, program:Read(1)))
      assert.are.same({ 0 }, { program:Wait() })
      assert.are.same({ 0 }, { program:Wait(0) })
    end)
  )

  it(
    "runs a line of the shell, and has its errors on a stream of their own",
    spec(function()
      local program = assert(io.popen("echo out; echo err >&2; exit 7", { stderr = "pipe" }))
      assert.are.equal("err", program:Stderr():ReadLine())
      assert.are.equal("out", program:ReadLine())
      assert.are.equal(7, program:Wait())
    end)
  )

  it(
    "tells the signal that has ended it",
    spec(function()
      local program = assert(io.popen({ "sleep", "100" }))
      local got, message, code = program:Wait(5)
      assert.is_nil(got)
      assert.are.equal("ETIMEDOUT", code)
      assert.matches("sleep still runs after 5 ms", message)
      assert.is_true(program:Kill(15))
      assert.are.same({ 143, 15 }, { program:Wait() })
      assert.are.equal("ESRCH", select(3, program:Kill()))
    end)
  )

  it(
    "carries much in both directions at once",
    spec(function()
      local text = net.pattern(3000000)
      local program = assert(io.popen({ "cat" }, { high_water = 100000, read_ahead = 10000 }))
      co.spawn(function()
        program:Write(text)
        program:Shutdown()
      end)
      net.assert_same_bytes(text, assert(program:ReadAll()))
      assert.are.equal(0, program:Wait())
    end)
  )

  it(
    "tells who writes that nobody reads any more",
    spec(function()
      local program = assert(io.popen({ "true" }))
      program:Wait()
      tasks.wait("EPIPE", function()
        local done, _, code = program:Write("x")
        co.sleep(1)
        return not done and code == "EPIPE"
      end)
    end)
  )

  it(
    "ends the program when its scope is cancelled",
    spec(function()
      for _, line in ipairs({ "exec sleep 100", "trap '' TERM; while :; do sleep 0.05; done" }) do
        local pid
        local before = net.descriptors()
        local _, _, code = co.scope(function()
          local program = assert(io.popen(line, { kill_ms = 50 }))
          pid = program:Pid()
          program:ReadLine()
        end, { deadline_ms = 100 })
        assert.are.equal("ETIMEDOUT", code)
        tasks.wait("the end of the program", function()
          return not is_running(pid)
        end)
        tasks.wait("its descriptors", function()
          return net.descriptors() <= before
        end)
      end
    end)
  )

  it(
    "ends the program when its scope is cancelled in the same breath",
    spec(function()
      local before = net.descriptors()
      local pids = {}
      co.scope(function(scope)
        pids[1] = assert(io.popen({ "sleep", "100" })):Pid()
        scope:Cancel()
      end)
      local fine = co.pcall(co.scope, function()
        pids[2] = assert(io.popen({ "sleep", "100" })):Pid()
        error("at once")
      end)
      assert.is_false(fine)
      tasks.wait("the end of the programs", function()
        return not is_running(pids[1]) and not is_running(pids[2])
      end)
      tasks.wait("their descriptors", function()
        return net.descriptors() <= before
      end)
    end)
  )

  it(
    "runs a program that a shielded task starts to clean up",
    spec(function()
      local output, status
      co.scope(function(scope)
        scope:Cancel()
        co.shield(function()
          local program = assert(io.popen("echo clean"))
          output, status = program:ReadAll(), program:Wait()
        end)
      end)
      assert.are.same({ "clean\n", 0 }, { output, status })
    end)
  )

  it(
    "ends the program by Close",
    spec(function()
      local program = assert(io.popen({ "sleep", "100" }))
      local waiting = tasks.parked(program.Wait, program)
      local reading = tasks.parked(program.ReadLine, program)
      program:Close()
      assert.are.equal("ESOCKCLOSE", tasks.finished(reading)[3])
      assert.are.equal(143, tasks.finished(waiting)[1])
      program:Close()
    end)
  )

  it(
    "keeps its scope open while the program runs",
    spec(function()
      local began = chuck.systick()
      co.scope(function()
        io.popen({ "sleep", "0.1" })
      end)
      assert.is_true(chuck.systick() - began >= 90)
    end)
  )

  it(
    "lets Wait be cancelled",
    spec(function()
      local program = assert(io.popen({ "cat" }))
      local waiting = tasks.parked(program.Wait, program)
      waiting.task:Cancel()
      waiting.task:Join()
      assert.is_false(waiting.done)
      program:Shutdown()
      assert.are.equal(0, program:Wait())
    end)
  )

  it(
    "takes packets, folders and environments as process.spawn does",
    spec(function()
      local options = { decoder = chuck.decoder.connection.rpacket(100) }
      local program = assert(io.popen("printf '\\000\\002hi'; exit 3", options))
      assert.are.equal(2, #program:ReadPacket())
      assert.are.equal(3, program:Wait())
      program = assert(io.popen("pwd; echo $A", { cwd = "/", env = { A = "b" } }))
      assert.are.equal("/\nb\n", program:ReadAll())
      program:Wait()
    end)
  )

  it(
    "tells why there is no program, and raises for wrong arguments",
    spec(function()
      assert.are.equal("ENOENT", select(3, io.popen({ "/no/such/program" })))
      local program = assert(io.popen({ "true" }, { stdout = "null", stdin = "null" }))
      assert.is_nil(program:Stdout())
      local calls = {
        { io.popen, 5 },
        { io.popen, {} },
        { io.popen, { "true" }, 5 },
        { io.popen, { "true" }, { unknown = 1 } },
        { io.popen, { "true" }, { kill_ms = "soon" } },
        { io.popen, { "true" }, { high_water = "much" } },
        { program.Wait, program, -1 },
        { program.Kill, program, "hard" },
        { program.ReadLine, program },
        { program.Write, program, "x" },
        { program.Wait, 5 },
      }
      for i, call in ipairs(calls) do
        local fine, message = pcall(function()
          return call[1](call[2], call[3]), 1
        end)
        assert.is_false(fine, i)
        assert.matches("io_popen_spec.lua:%d+: ", message)
      end
      program:Wait()
    end)
  )
end)
