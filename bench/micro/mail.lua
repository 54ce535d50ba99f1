--- chuck: round trips and one-way mails per second between two threads.
---
---     lua mail.lua table        a small table; or packet: a rawpacket of 1 KB
---
--- The program is its own worker, as examples/threads.lua is.

local chuck = require("chuck")

local cthread = chuck.cthread
local engine = chuck.engine()

if ... == "worker" then
  cthread.process_mail(engine, function(from, mail)
    if mail == "stop" then
      engine:Stop()
    elseif mail == "answer" then
      cthread.sendmail(from, "done")
    end
  end)
  return engine:Run()
elseif ... == "echo" then
  cthread.process_mail(engine, function(from, mail)
    if mail == "stop" then
      engine:Stop()
    else
      cthread.sendmail(from, mail)
    end
  end)
  return engine:Run()
end

local TRIPS, MAILS = 200000, 2000000

--- How long anything may take, in milliseconds.
local LIMIT = 60000

local is_packet = ... == "packet"
local packet = chuck.packet.rawpacket(("x"):rep(1024))

local function mail()
  return is_packet and packet or { id = 12, name = "hello", value = 2.5 }
end

local function report(name, count, ms)
  print(('{"name":"%s","count":%d,"rate":%.0f}'):format(name, count, count / ms * 1000))
end

local function start(kind)
  return assert(cthread.new(arg[0], kind))
end

local function stop(worker)
  assert(cthread.sendmail(worker, "stop", LIMIT))
  assert(cthread.join(worker, LIMIT))
end

local function measure_trips()
  local worker, trips = start("echo"), 0
  cthread.process_mail(engine, function(_, got)
    trips = trips + 1
    if trips == TRIPS then
      engine:Stop()
    else
      cthread.sendmail(worker, got)
    end
  end)
  local begin = chuck.systick()
  cthread.sendmail(worker, mail())
  engine:Run(LIMIT)
  report("trips", trips, chuck.systick() - begin)
  stop(worker)
end

local function measure_way()
  local worker = start("worker")
  cthread.process_mail(engine, function()
    engine:Stop()
  end)
  local begin = chuck.systick()
  for _ = 1, MAILS do
    assert(cthread.sendmail(worker, mail(), LIMIT))
  end
  assert(cthread.sendmail(worker, "answer", LIMIT))
  engine:Run(LIMIT)
  report("way", MAILS, chuck.systick() - begin)
  stop(worker)
end

measure_trips()
measure_way()
