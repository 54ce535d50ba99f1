--- Inboxes: their limits, who reads them and where, and mail for everybody.
local chuck = require("chuck")

local check = require("spec.helper.check")
local child = require("spec.helper.child")
local threads = require("spec.helper.threads")

local cthread, packet = chuck.cthread, chuck.packet

local ECHO = "on_mail = function(from, mail) assert(cthread.sendmail(from, mail, 5000)) end"

--- As many mails as an inbox takes.
local CAPACITY = 4096

--- The message of an error that `f` raises.
local function complaint(f, ...)
  local fine, why = pcall(f, ...)
  assert.is_false(fine)
  return why
end

describe("an inbox", function()
  after_each(threads.finish)

  --- A thread that reads no mail until it may: it polls for a file that goes away.
  local function deaf()
    local path = os.tmpname()
    local thread = threads.start(
      [[
      local path = ...
      while true do
        local file = io.open(path)
        if not file then return end
        file:close()
      end
    ]],
      path
    )
    return thread, function()
      os.remove(path)
    end
  end

  it("is there without process_mail, takes 4096 mails, and then says EAGAIN", function()
    local thread, free = deaf()
    for _ = 1, CAPACITY do
      assert.is_true(cthread.sendmail(thread, {}))
    end
    local sent, why, code = cthread.sendmail(thread, {})
    assert.is_nil(sent)
    assert.are.equal("EAGAIN", code)
    assert.is_truthy(why:find("4096 mails", 1, true))
    free()
    threads.join(thread)
  end)

  it("takes 64 MiB, packets among them, and then says EAGAIN", function()
    local thread, free = deaf()
    local large = packet.rawpacket(("x"):rep(2 ^ 20))
    local count = 0
    while cthread.sendmail(thread, large) do
      count = count + 1
    end
    assert.are.equal(63, count)
    free()
    threads.join(thread)
  end)

  it("counts what small packets take besides their bytes", function()
    local thread, free = deaf()
    local small, one = {}, packet.rawpacket("x")
    for n = 1, 100000 do
      small[n] = one
    end
    local count = 0
    while cthread.sendmail(thread, small) do
      count = count + 1
    end
    assert.is_true(count <= 10, count)
    free()
    threads.join(thread)
  end)

  it("leaves no memory with the sender after a mail of many packets", function()
    local result = child.run([[
      local chuck = require("chuck")
      local function resident()
        for line in io.lines("/proc/self/status") do
          local found = line:match("VmRSS:%s+(%d+)")
          if found then
            return tonumber(found)
          end
        end
      end
      local many, one = {}, chuck.packet.rawpacket("x")
      for n = 1, 500000 do many[n] = one end
      many[0] = chuck.cthread.self()
      local before = resident()
      pcall(chuck.cthread.sendmail, chuck.cthread.self(), { many, print })
      print(resident() - before)
    ]])
    assert.is_true(tonumber(result.output) < 10000, result.output)
  end)

  it("that is empty takes one mail of any size", function()
    local thread = threads.serve("on_mail = function(from, mail) cthread.sendmail(from, #mail) end")
    local engine, size = chuck.engine(), nil
    cthread.process_mail(engine, function(_, mail)
      size = mail
    end)
    assert.is_true(cthread.sendmail(thread, packet.rawpacket(("x"):rep(65 * 2 ^ 20)), 1000))
    check.run_until(engine, function()
      return size
    end)
    assert.are.equal(65 * 2 ^ 20, size)
    engine:Close()
  end)

  it("that stays full lets a sender wait as long as it wants to, with ETIMEDOUT", function()
    local thread, free = deaf()
    while cthread.sendmail(thread, 1) do
    end
    local begin = chuck.systick()
    local sent, _, code = cthread.sendmail(thread, 1, 50)
    assert.is_nil(sent)
    assert.are.equal("ETIMEDOUT", code)
    assert.is_true(chuck.systick() - begin >= 49)
    free()
    threads.join(thread)
  end)

  it("of a thread that ends lets go of a sender that waits, with ETMCLOSE", function()
    local thread, free = deaf()
    while cthread.sendmail(thread, 1) do
    end
    local other = threads.start(
      [[
      local cthread = require("chuck").cthread
      local target, creator = ...
      cthread.sendmail(creator, "waiting")
      return select(3, cthread.sendmail(target, 1, 60000))
    ]],
      thread,
      cthread.self()
    )
    local engine, is_waiting = chuck.engine(), false
    cthread.process_mail(engine, function()
      is_waiting = true
    end)
    check.run_until(engine, function()
      return is_waiting
    end)
    free()
    assert.are.equal("ETMCLOSE", (threads.join(other)))
    engine:Close()
  end)

  it("of a thread that has ended says ETMCLOSE", function()
    local thread = threads.start("")
    threads.join(thread)
    local sent, why, code = cthread.sendmail(thread, {})
    local words = tostring(thread) .. " has ended"
    assert.are.same({ "nil", words, "ETMCLOSE" }, { type(sent), why, code })
  end)

  it("of oneself that is full is EAGAIN, or EDEADLK for one who would wait", function()
    local thread = threads.start([[
      local cthread = require("chuck").cthread
      local me, count = cthread.self(), 0
      while cthread.sendmail(me, {}) do
        count = count + 1
      end
      local _, _, without = cthread.sendmail(me, {})
      local _, _, with = cthread.sendmail(me, {}, 60000)
      return count, without, with
    ]])
    assert.are.same({ CAPACITY, "EAGAIN", "EDEADLK" }, { threads.join(thread) })
  end)

  it("frees what is in it when its thread ends", function()
    local before = check.descriptors()
    local thread, free = deaf()
    for _ = 1, 10 do
      assert.is_true(cthread.sendmail(thread, { chuck.connection(check.socket(), 64) }))
    end
    assert.is_true(check.descriptors() >= before + 10)
    free()
    threads.join(thread)
    check.collect()
    assert.are.equal(before, check.descriptors())
  end)

  it("of each of two that flood each other is bounded, and nobody dead-locks", function()
    local source = [[
      local chuck = require("chuck")
      local cthread, engine = chuck.cthread, chuck.engine()
      local got, sent, refused, over, other = 0, 0, 0, false, nil
      cthread.process_mail(engine, function(from, mail)
        if type(mail) ~= "number" then
          other = mail
        elseif mail < 0 then
          over = true
          engine:Stop()
        else
          got = got + 1
        end
      end)
      while not other do engine:Run(1) end
      for n = 1, 60000 do
        local fine, _, code = cthread.sendmail(other, n, n % 100 == 0 and 1 or nil)
        if fine then sent = sent + 1 else refused = refused + 1 end
        if n % 1000 == 0 then engine:Run(0) end
      end
      while not cthread.sendmail(other, -1) do engine:Run(1) end
      while not over do engine:Run(1000) end
      return got, sent, refused
    ]]
    local one, other = threads.start(source), threads.start(source)
    assert.is_true(cthread.sendmail(one, other))
    assert.is_true(cthread.sendmail(other, one))
    local got, sent, refused = threads.join(one)
    local got_other, sent_other, refused_other = threads.join(other)
    assert.are.equal(60000, sent + refused)
    assert.are.equal(60000, sent_other + refused_other)
    assert.are.equal(sent, got_other)
    assert.are.equal(sent_other, got)
  end)
end)

describe("process_mail", function()
  local engine

  before_each(function()
    engine = chuck.engine()
  end)
  after_each(function()
    threads.finish()
    engine:Close()
  end)

  local function to_me(mail)
    assert.is_true(cthread.sendmail(cthread.self(), mail))
  end

  --- Runs `on` until `seen` has so many entries.
  local function wait(on, seen, count)
    check.run_until(on, function()
      return #seen == count
    end)
  end

  it("again replaces the callback", function()
    local first, second = {}, {}
    cthread.process_mail(engine, function(_, mail)
      first[#first + 1] = mail
    end)
    to_me(1)
    wait(engine, first, 1)
    assert.is_true(cthread.process_mail(engine, function(_, mail)
      second[#second + 1] = mail
    end))
    to_me(2)
    wait(engine, second, 1)
    assert.are.same({ { 1 }, { 2 } }, { first, second })
  end)

  it("with another engine moves the mailbox there, with what waits in it", function()
    local other, seen = chuck.engine(), {}
    local function keep(_, mail)
      seen[#seen + 1] = mail
    end
    cthread.process_mail(engine, function()
      error("not here")
    end)
    assert.are.equal(1, engine:Stats().open)
    to_me(1)
    assert.is_true(cthread.process_mail(other, keep))
    assert.are.equal(0, engine:Stats().open)
    to_me(2)
    wait(other, seen, 2)
    assert.are.same({ 1, 2 }, seen)
    other:Close()
  end)

  it("inside the callback replaces it for the very next mail", function()
    local seen = {}
    cthread.process_mail(engine, function(_, mail)
      seen[#seen + 1] = "first " .. mail
      cthread.process_mail(engine, function(_, later)
        seen[#seen + 1] = "second " .. later
      end)
    end)
    for n = 1, 3 do
      to_me(n)
    end
    wait(engine, seen, 3)
    assert.are.same({ "first 1", "second 2", "second 3" }, seen)
  end)

  it("inside the callback serves an engine that runs there, in order", function()
    local inner, seen = chuck.engine(), {}
    local function outside(_, mail)
      seen[#seen + 1] = "outside " .. mail
      if mail == "question" then
        cthread.process_mail(inner, function(_, answer)
          seen[#seen + 1] = "inside " .. answer
          if answer == "answer" then
            inner:Stop()
          end
        end)
        to_me("answer")
        to_me("more")
        assert.are.equal(0, inner:Run(5000))
        cthread.process_mail(engine, outside)
      end
    end
    cthread.process_mail(engine, outside)
    to_me("question")
    to_me("early")
    wait(engine, seen, 4)
    assert.are.same({ "outside question", "inside early", "inside answer", "outside more" }, seen)
    inner:Close()
  end)

  it("without a descriptor left is false, with EMFILE, and changes nothing", function()
    local result = child.run(
      [[
      local chuck = require("chuck")
      local cthread = chuck.cthread
      local engine, other = chuck.engine(), chuck.engine()
      cthread.process_mail(engine, function(_, mail) print(mail) end)
      local net = chuck.socket_helper
      repeat until net.socket(net.AF_INET, net.SOCK_STREAM, net.IPPROTO_TCP) < 0
      print(select(3, cthread.process_mail(other, error)))
      cthread.sendmail(cthread.self(), "still here")
      engine:Run(0)
    ]],
      "ulimit -n 50;"
    )
    assert.are.equal("EMFILE\nstill here\n", result.output)
  end)

  it("inside the callback moves the mailbox, and order stays", function()
    local other, seen = chuck.engine(), {}
    local function second(_, mail)
      seen[#seen + 1] = "second " .. mail
    end
    cthread.process_mail(engine, function(_, mail)
      seen[#seen + 1] = "first " .. mail
      cthread.process_mail(other, second)
      other:Run(5)
    end)
    for n = 1, 3 do
      to_me(n)
    end
    engine:Run(0)
    to_me(4)
    wait(other, seen, 4)
    assert.are.same({ "first 1", "second 2", "second 3", "second 4" }, seen)
    other:Close()
  end)

  it("of a closed engine is false, with EENGCLOSE, and changes nothing", function()
    local closed, seen = chuck.engine(), {}
    closed:Close()
    cthread.process_mail(engine, function(_, mail)
      seen[#seen + 1] = mail
    end)
    local done, why, code = cthread.process_mail(closed, print)
    assert.are.same({ false, "string", "EENGCLOSE" }, { done, type(why), code })
    to_me(1)
    wait(engine, seen, 1)
  end)

  it("survives its engine: what was not told waits for the next", function()
    local seen = {}
    cthread.process_mail(engine, function(_, mail)
      seen[#seen + 1] = mail
      engine:Close()
    end)
    to_me(1)
    to_me(2)
    check.run_until(engine, function()
      return #seen == 1
    end)
    local other = chuck.engine()
    cthread.process_mail(other, function(_, mail)
      seen[#seen + 1] = mail
    end)
    wait(other, seen, 2)
    assert.are.same({ 1, 2 }, seen)
    other:Close()
  end)

  it("lets its engine be collected, with the callback", function()
    local kept = setmetatable({}, { __mode = "k" })
    local function forget()
      local gone = chuck.engine()
      local function callback()
        return gone
      end
      kept[callback] = true
      cthread.process_mail(gone, callback)
    end
    forget()
    assert.are.equal(0, check.count(kept))
    local seen = {}
    to_me("still here")
    cthread.process_mail(engine, function(_, mail)
      seen[#seen + 1] = mail
    end)
    wait(engine, seen, 1)
  end)

  it("goes on after a callback that raises, which the error handler is told", function()
    local errors, seen = {}, {}
    engine:SetErrorHandler(function(err, traceback)
      errors[#errors + 1] = { err, type(traceback) }
    end)
    cthread.process_mail(engine, function(_, mail)
      if mail % 2 == 1 then
        error({ mail })
      end
      seen[#seen + 1] = mail
    end)
    for n = 1, 6 do
      to_me(n)
    end
    wait(engine, seen, 3)
    assert.are.same({ 2, 4, 6 }, seen)
    assert.are.same({ { { 1 }, "string" }, { { 3 }, "string" }, { { 5 }, "string" } }, errors)
  end)

  it("stops within a batch when the callback stops the engine, and goes on later", function()
    local seen = {}
    cthread.process_mail(engine, function(_, mail)
      seen[#seen + 1] = mail
      engine:Stop()
    end)
    for n = 1, 3 do
      to_me(n)
    end
    for n = 1, 3 do
      check.run(engine)
      assert.are.equal(n, #seen)
    end
  end)
end)

describe("broadcast", function()
  after_each(threads.finish)

  it("gives everybody else a copy, and says how many", function()
    local engine, got = chuck.engine(), {}
    cthread.process_mail(engine, function(from, mail)
      got[#got + 1] = { from, mail.packet:ReadBin() }
    end)
    local others = {}
    for n = 1, 5 do
      others[n] = threads.serve(ECHO)
    end
    local reached, full = cthread.broadcast({ packet = packet.rawpacket(("z"):rep(2000)) })
    assert.are.same({ 5, 0 }, { reached, full })
    check.run_until(engine, function()
      return #got == 5
    end)
    local by = {}
    for _, one in ipairs(got) do
      by[one[1]] = one[2]
    end
    for _, other in ipairs(others) do
      assert.are.equal(("z"):rep(2000), by[other])
    end
    engine:Close()
  end)

  it("counts who is full and does not wait for them", function()
    local path = os.tmpname()
    local thread = threads.start(
      [[
      local chuck = require("chuck")
      local creator, path = ...
      local me = chuck.cthread.self()
      while chuck.cthread.sendmail(me, {}) do
      end
      chuck.cthread.sendmail(creator, "full")
      local engine = chuck.engine()
      chuck.cthread.process_mail(engine, function(_, mail)
        if mail == "stop" then engine:Stop() end
      end)
      while true do
        local file = io.open(path)
        if not file then break end
        file:close()
      end
      engine:Run()
    ]],
      cthread.self(),
      path
    )
    local engine, is_full = chuck.engine(), false
    cthread.process_mail(engine, function()
      is_full = true
    end)
    check.run_until(engine, function()
      return is_full
    end)
    assert.are.same({ 0, 1 }, { cthread.broadcast({}) })
    os.remove(path)
    assert.is_true(cthread.sendmail(thread, "stop", 5000))
    threads.join(thread)
    engine:Close()
  end)

  it("refuses what only one can have", function()
    local conn = chuck.connection(check.socket(), 64)
    local why = complaint(cthread.broadcast, { conn })
    assert.is_truthy(why:find("cannot be sent to many", 1, true), why)
    assert.are.equal(0, conn:SetNoDelay(true))
    conn:Close()
  end)
end)
