--- Threads for specs: a script as text, run in a thread of its own.
---
---     local thread = threads.start('return ...', 1, "two")
---     threads.join(thread)                            --> 1, "two"; fails when it does not end
---     threads.finish()                                -- in after_each: stops and joins the rest
local chuck = require("chuck")

local cthread = chuck.cthread

local threads = {}

--- No spec waits longer for a thread, in milliseconds.
threads.DEADLINE = 20000

--- A script that serves mail until it gets "stop". Before it runs, `on_mail(from, mail)` is set.
threads.SERVE = [[
  local chuck = require("chuck")
  local cthread, engine = chuck.cthread, chuck.engine()
  local on_mail = function() end
  %s
  assert(cthread.process_mail(engine, function(from, mail)
    if mail == "stop" then
      engine:Stop()
    else
      on_mail(from, mail)
    end
  end))
  engine:Run()
]]

local started = {}

--- `cthread.new` of a script given as text.
function threads.new(source, ...)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(source)
  file:close()
  local thread, why, code = cthread.new(path, ...)
  -- It is loaded by now.
  os.remove(path)
  started[#started + 1] = thread
  return thread, why, code
end

--- A thread that runs `source`.
function threads.start(source, ...)
  return (assert(threads.new(source, ...)))
end

--- A thread that serves mail; `source` may set `on_mail(from, mail)`.
function threads.serve(source, ...)
  return threads.start(threads.SERVE:format(source or ""), ...)
end

--- What a thread returns; fails when it does not end in time.
function threads.join(thread)
  local results = { n = 0 }
  local function keep(...)
    results = { n = select("#", ...), ... }
  end
  keep(cthread.join(thread, threads.DEADLINE))
  assert(results[3] ~= "ETIMEDOUT", "the thread does not end")
  local unpack = rawget(table, "unpack") or rawget(_G, "unpack")
  return unpack(results, 1, results.n)
end

--- Throws away what is in our own inbox.
local function empty()
  local engine, last, is_empty = chuck.engine(), tostring({}), false
  cthread.process_mail(engine, function(_, mail)
    is_empty = mail == last
  end)
  while not cthread.sendmail(cthread.self(), last) do
    engine:Run(0)
  end
  while not is_empty do
    engine:Run(1)
  end
  engine:Close()
end

--- Ends what still serves, and waits for it.
function threads.finish()
  for _, thread in ipairs(started) do
    cthread.sendmail(thread, "stop", 1000)
  end
  for _, thread in ipairs(started) do
    cthread.join(thread, threads.DEADLINE)
  end
  started = {}
  empty()
end

return threads
