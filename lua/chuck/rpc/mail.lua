--- Where mails of other threads go: to the streams between them and this one.
---
---     local stream = mail.open(thread)        -- and the thread does the same with this one
---
--- There is one stream between two threads at a time. Who opens first waits for the other:
---
--- ```text
---     hello 1, 0 ->               stream 1 is there
---                <- hello 7, 1    stream 7 is there, and has 1 for its other end
---     hello 1, 7 ->               and 1 has 7: now both are sure, and data may follow
--- ```
---
--- A thread says farewell when it ends, also when its script has raised. Whether it is still there
--- is looked at as well, for those whose farewell had no room.

local check = require("chuck.support.check")
local errors = require("chuck.rpc.errors")
local limits = require("chuck.rpc.limits")
local mailstream = require("chuck.rpc.mailstream")
local native = require("chuck.native")
local sched = require("chuck.co.sched")

local cthread = native.cthread

local mail = {}

local TAG = mailstream.TAG

--- The engine in whose loop mail is read.
local engine = false
--- Streams by their number, and the open one to each thread.
local by_number, of_thread = {}, {}
--- Hellos of threads that there is no stream to: number and room.
local knocks = {}
local last_number = 0
local is_looking = false
--- What is told of mail that is none of ours.
local on_other = false

--- Mail to ourselves: the mails of a thread that has ended are all behind us.
local GONE = "gone"

local function ask_for_end(stream)
  if not stream.is_gone then
    local mail_to_self = { TAG, GONE, stream.number }
    stream.is_gone = cthread.sendmail(cthread.self(), mail_to_self) or false
  end
end

local function look()
  is_looking = next(by_number) ~= nil
  if is_looking then
    for _, stream in pairs(by_number) do
      if cthread.tid(stream.thread) == 0 then
        ask_for_end(stream)
      end
    end
    sched.timer(limits.thread_look_ms, look)
  end
end

--- Makes way for another stream to the same thread.
local function give_way(stream)
  if of_thread[stream.thread] == stream then
    of_thread[stream.thread] = nil
  end
end

local function forget(stream)
  by_number[stream.number] = nil
  give_way(stream)
end

local HOOKS = { on_close = give_way, on_end = forget, on_cut = ask_for_end }

--- The stream that a mail is for, if it comes from its other end.
local function addressee(from, got)
  local stream = by_number[got[4]]
  if stream and stream.thread == from and stream.theirs == got[3] then
    return stream
  end
end

local on = {}

--- Another end says that it has `mine` for its other end.
local function on_answer(from, theirs, mine, room)
  local stream = by_number[mine]
  -- What answers a stream that is over here will be told so, or was.
  if stream and stream.thread == from and not stream.is_sure then
    stream:OnHello(theirs, room, true)
  end
end

function on.hello(from, got)
  local theirs, mine, room = got[3], got[4], got[5]
  if type(theirs) ~= "number" or type(room) ~= "number" then
    return
  elseif mine ~= 0 then
    return on_answer(from, theirs, mine, room)
  end
  local stream = of_thread[from]
  if stream and not stream.is_sure then
    return stream:OnHello(theirs, room, false)
  elseif stream and stream.theirs ~= theirs then
    stream:OnBye("the thread has begun anew")
  end
  knocks[from] = { theirs = theirs, room = room }
end

function on.data(from, got)
  local stream = addressee(from, got)
  if stream then
    stream:OnData(got)
  end
end

function on.ack(from, got)
  local stream = addressee(from, got)
  if stream and type(got[5]) == "number" then
    stream:OnAck(got[5])
  end
end

function on.bye(from, got)
  local knock, stream = knocks[from], by_number[got[4]] or of_thread[from]
  if knock and knock.theirs == got[3] then
    knocks[from] = nil
  end
  if not stream or stream.thread ~= from or stream.theirs ~= got[3] then
    return
  elseif stream.is_sure or stream.is_closed then
    return stream:OnBye("the thread has closed the stream, or has ended")
  end
  stream:OnLeave()
end

function on.gone(from, got)
  local stream = by_number[got[3]]
  if stream and from == cthread.self() then
    knocks[stream.thread] = nil
    stream:OnBye("the thread has ended")
  end
end

local function receive(from, got)
  if type(got) == "table" and got[1] == TAG then
    local handle = on[got[2]]
    if handle then
      handle(from, got)
    end
  elseif on_other then
    on_other(from, got)
  end
end

--- Streams of a loop that has ended.
local function forget_all()
  for _, stream in pairs(by_number) do
    stream:Abandon()
  end
  by_number, of_thread, is_looking = {}, {}, false
end

--- Has mail read in the loop of the tasks: true; or nil, message, code.
local function attach()
  local current = sched.engine()
  if engine == current then
    return true
  end
  forget_all()
  local done, message, code = cthread.process_mail(current, receive)
  if not done then
    return nil, message, code
  end
  engine = current
  return true
end

--- Gives mails that belong to no stream to `fn(from, mail)`, in the loop of the tasks; nil ends
--- that. True; or nil, message, code.
function mail.on_mail(fn)
  if fn ~= nil then
    check.type("on_mail", 1, fn, "function")
  end
  errors.expect_task("on_mail")
  on_other = fn or false
  return attach()
end

--- A stream to a thread. Or nil, message, code: `"ESRCH"` when the thread has ended, `"EBUSY"` when
--- there is one already.
function mail.open(thread)
  local name = tostring(thread)
  local done, message, code = attach()
  if not done then
    return nil, message, code
  elseif thread == cthread.self() then
    return nil, name .. ": a thread has no stream to itself", "EINVAL"
  elseif cthread.tid(thread) == 0 then
    return nil, name .. ": the thread has ended", "ESRCH"
  elseif of_thread[thread] then
    return nil, name .. ": there is a stream to this thread already", "EBUSY"
  end
  last_number = last_number + 1
  local stream = mailstream.new(thread, last_number, HOOKS)
  by_number[last_number], of_thread[thread] = stream, stream
  local knock = knocks[thread]
  if knock then
    knocks[thread] = nil
    stream:OnHello(knock.theirs, knock.room, false)
  else
    stream.flush()
  end
  if not is_looking then
    look()
  end
  return stream
end

return mail
