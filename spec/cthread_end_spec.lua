--- The end of a program whose threads still run: defined, without a crash, without a hang.
local child = require("spec.helper.child")

--- What every program begins with: `start(source, ...)` makes a thread.
local BEGIN = [[
  io.stdout:setvbuf("no")
  local chuck = require("chuck")
  local cthread = chuck.cthread
  local function start(source, ...)
    local path = os.tmpname()
    local file = io.open(path, "w")
    file:write(source)
    file:close()
    local thread = assert(cthread.new(path, ...))
    os.remove(path)
    return thread
  end
]]

--- A script that serves mail for ever, and says how `Run` has ended.
local SERVE = [==[ [[
  local chuck = require("chuck")
  local engine = chuck.engine()
  chuck.cthread.process_mail(engine, function() end)
  print("ran", engine:Run(), engine:Run())
]] ]==]

--- Runs a program; its output, and the seconds that it took.
local function run(source)
  local begin = os.time()
  local result = child.run(BEGIN .. source)
  return result, os.time() - begin
end

--- `os.exit(status, true)` closes the state: everywhere but on plain Lua 5.1.
local has_close = rawget(_G, "jit") or _VERSION ~= "Lua 5.1"

describe("a program that ends", function()
  it("stops the engines of its threads: Run is -155, and again", function()
    local result, took = run("start(" .. SERVE .. ")")
    assert.are.equal(0, result.status, result.output)
    assert.is_truthy(result.output:find("ran\t-155\t-155", 1, true), result.output)
    assert.is_true(took <= 1)
  end)

  it("by an error does the same", function()
    local result = run("start(" .. SERVE .. ") error('main is over')")
    assert.are.equal(1, result.status, result.output)
    assert.is_truthy(result.output:find("ran\t-155\t-155", 1, true), result.output)
    assert.is_truthy(result.output:find("main is over", 1, true), result.output)
  end)

  it("stops engines that have no mailbox, and engines within engines", function()
    local result, took = run([==[
      start([[
        local chuck = require("chuck")
        local outer, inner = chuck.engine(), chuck.engine()
        local creator = ...
        inner:Post(function() chuck.cthread.sendmail(creator, "running") end)
        outer:Post(function() io.write(("inner\t%d\n"):format(inner:Run())) end)
        io.write(("outer\t%d\n"):format(outer:Run()))
      ]], cthread.self())
      local engine = chuck.engine()
      cthread.process_mail(engine, function() engine:Stop() end)
      engine:Run(10000)
    ]==])
    assert.are.equal(0, result.status, result.output)
    assert.is_truthy(result.output:find("inner\t-155\nouter\t-155", 1, true), result.output)
    assert.is_true(took <= 1)
  end)

  it("stops the threads of its threads", function()
    local result, took = run([==[
      start([[
        local chuck = require("chuck")
        local path = os.tmpname()
        local file = io.open(path, "w")
        file:write('local ran = require("chuck").engine():Run() ')
        file:write('io.write("inner\\t" .. ran .. "\\n")')
        file:close()
        assert(chuck.cthread.new(path))
        os.remove(path)
        io.write("outer\t" .. chuck.engine():Run() .. "\n")
      ]])
    ]==])
    assert.are.equal(0, result.status, result.output)
    assert.is_truthy(result.output:find("inner\t-155", 1, true), result.output)
    assert.is_truthy(result.output:find("outer\t-155", 1, true), result.output)
    assert.is_true(took <= 1)
  end)

  it("lets go of threads that wait: in join with EINTR, in sendmail with ETMCLOSE", function()
    local result, took = run([==[
      local target = start([[
        local chuck = require("chuck")
        chuck.engine():Run()
      ]])
      start([[
        local cthread = require("chuck").cthread
        local _, _, code = cthread.join(...)
        io.write("joined\t" .. (code or "fine") .. "\n")
      ]], target)
      start([[
        local cthread = require("chuck").cthread
        while cthread.sendmail(..., 1) do end
        local _, _, code = cthread.sendmail((...), 1, 60000)
        io.write("sent\t" .. code .. "\n")
      ]], target)
      chuck.engine():Run(100)
    ]==])
    assert.are.equal(0, result.status, result.output)
    assert.is_truthy(result.output:find("sent\tETMCLOSE", 1, true), result.output)
    local joined = result.output:match("joined\t(%w+)")
    assert.is_true(joined == "EINTR" or joined == "fine", result.output)
    assert.is_true(took <= 1)
  end)

  it("leaves a thread behind that never lets go, after two seconds", function()
    local result, took = run("start('while true do end')")
    assert.are.equal(0, result.status, result.output)
    assert.is_true(took >= 1 and took <= 5, took .. " s")
  end)

  it("by os.exit does not wait for anybody", function()
    local result, took = run("start('while true do end') start(" .. SERVE .. ") os.exit(3)")
    assert.are.equal(3, result.status, result.output)
    assert.is_true(took <= 1)
  end)

  if has_close then
    it("by os.exit with close stops them", function()
      local result = run("start(" .. SERVE .. ") os.exit(4, true)")
      assert.are.equal(4, result.status, result.output)
      assert.is_truthy(result.output:find("ran\t-155\t-155", 1, true), result.output)
    end)
  end

  it("with mail queued, sockets in it, and handles everywhere ends like any other", function()
    local result = run([==[
      local helper = chuck.socket_helper
      local threads = {}
      for n = 1, 10 do
        threads[n] = start([[
          local chuck = require("chuck")
          local cthread, engine = chuck.cthread, chuck.engine()
          cthread.process_mail(engine, function(from, mail)
            for _ = 1, 10 do cthread.sendmail(from, mail) cthread.broadcast(cthread.self()) end
          end)
          KEPT = { cthread.self(), engine, ... }
          engine:Run()
        ]], cthread.self())
      end
      local engine = chuck.engine()
      cthread.process_mail(engine, function(from, mail) cthread.sendmail(from, mail) end)
      for _, thread in ipairs(threads) do
        local fd = helper.socket(helper.AF_INET, helper.SOCK_STREAM, helper.IPPROTO_TCP)
        cthread.sendmail(thread, { threads, fd, chuck.packet.rawpacket(("x"):rep(3000)) })
        fd = helper.socket(helper.AF_INET, helper.SOCK_STREAM, helper.IPPROTO_TCP)
        cthread.sendmail(cthread.self(), chuck.connection(fd, 10))
      end
      engine:Run(50)
    ]==])
    assert.are.equal(0, result.status, result.output)
  end)

  it("may use threads in its last finalizers", function()
    local result = run([==[
      local thread = start('require("chuck").engine():Run()')
      local function last()
        print(pcall(cthread.self))
        print(pcall(cthread.tid, thread))
        print(pcall(cthread.sendmail, thread, 1))
        print(pcall(cthread.join, thread, 1000))
        print(pcall(cthread.findbytid, cthread.selftid()))
        print(pcall(cthread.new, "/nowhere"))
        print(pcall(cthread.broadcast, 1))
        print(pcall(cthread.process_mail, chuck.engine(), print))
        print("last words")
      end
      local proxy = rawget(_G, "newproxy")
      KEPT = proxy and proxy(true) or setmetatable({}, { __gc = last })
      if proxy then getmetatable(KEPT).__gc = last end
    ]==])
    assert.are.equal(0, result.status, result.output)
    assert.is_truthy(result.output:find("last words", 1, true), result.output)
  end)
end)
