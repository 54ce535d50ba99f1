--- Wrong arguments to what keeps tasks apart: every method, with whatever a caller could hand over,
--- works or raises an error that blames the caller's line; inside of tasks and outside.
local actor = require("chuck.co.actor")
local channel = require("chuck.co.channel")
local compat = require("chuck.support.compat")
local condition = require("chuck.co.condition")
local future = require("chuck.co.future")
local mutex = require("chuck.co.mutex")
local pool = require("chuck.co.pool")
local sched = require("chuck.co.sched")
local select_from = require("chuck.co.select")
local semaphore = require("chuck.co.semaphore")
local wait_group = require("chuck.co.wait_group")

local clock = require("spec.helper.clock")

local NAN = 0 / 0

--- How many `values` there are.
local VALUES = 17

--- What a caller could hand over by mistake, in order.
local function values()
  return {
    { "nil", nil },
    { "boolean", true },
    { "string", "x" },
    { "table", {} },
    { "function", function() end },
    { "thread", coroutine.create(function() end) },
    { "file", io.stdout },
    { "nan", NAN },
    { "negative", -1 },
    { "fraction", 0.5 },
    { "zero", 0 },
    { "one", 1 },
    { "huge", 2 ^ 53 },
    { "infinite", math.huge },
    { "channel", channel.new(1) },
    { "mutex", mutex.new() },
    { "task", sched.spawn(function() end) },
  }
end

--- What each kind of argument may be, and what works for sure.
local KINDS = {
  any = { any = true },
  ms = { zero = true, one = true, fraction = true, huge = true, infinite = true, good = 1 },
  fn = { ["function"] = true, good = function() end },
  string = { string = true, good = "x" },
  integer = { negative = true, zero = true, one = true, good = 1 },
  ["lock?"] = { ["nil"] = true, mutex = true },
}
KINDS["ms?"] = setmetatable({ ["nil"] = true }, { __index = KINDS.ms })
KINDS["string?"] = setmetatable({ ["nil"] = true }, { __index = KINDS.string })
KINDS["integer?"] = setmetatable({ ["nil"] = true }, { __index = KINDS.integer })

--- Every method with its parameters.
local CLASSES = {
  channel = {
    new = function()
      local ch = channel.new(4)
      ch:Send("x")
      return ch
    end,
    Send = "any ms?",
    Recv = "ms?",
    TrySend = "any",
    TryRecv = "",
    Values = "",
    Close = "",
    IsClosed = "",
    Len = "",
  },
  mutex = {
    new = mutex.new,
    Lock = "ms?",
    TryLock = "",
    Unlock = "",
    With = "fn",
    IsLocked = "",
  },
  semaphore = {
    new = function()
      return semaphore.new(4)
    end,
    Acquire = "ms?",
    TryAcquire = "",
    Release = "",
    With = "fn",
    Free = "",
  },
  condition = { new = condition.new, Wait = "lock? ms?", Signal = "", Broadcast = "" },
  wait_group = { new = wait_group.new, Add = "integer?", Done = "", Wait = "ms?", Count = "" },
  future = {
    new = function()
      local answer = future.new()
      answer:Set(1)
      return answer
    end,
    Set = "any",
    Fail = "string string",
    Get = "ms?",
    IsDone = "",
  },
  pool = {
    new = function()
      return pool.new(1)
    end,
    Submit = "fn",
    SubmitWithin = "ms fn",
    TrySubmit = "fn",
    Close = "",
    IsClosed = "",
    Drain = "ms?",
    Running = "",
    Waiting = "",
  },
  actor = {
    new = function()
      local made = assert(actor.spawn("ann", function(self)
        self:Recv()
      end))
      made:Send("x")
      made:Send("x")
      return made
    end,
    Send = "any ms?",
    TrySend = "any",
    Call = "any ms?",
    Recv = "ms?",
    TryRecv = "",
    Messages = "",
    Stop = "",
    Cancel = "string?",
    Join = "ms?",
    Name = "",
    IsDone = "",
    Restarts = "",
  },
}

--- Calls from a line of this file: whether it worked, and what it complained of.
local function try(fn, ...)
  local arguments = compat.pack(...)
  local line = debug.getinfo(1, "l").currentline + 2
  local fine, why = sched.pcall(function()
    return 1, fn(compat.unpack(arguments, 1, arguments.n))
  end)
  if not fine then
    local place = "^%S*co_argument_spec.lua:" .. line .. ": "
    assert(sched.is_stop(why) or type(why) == "string" and why:find(place), tostring(why))
  end
  return fine, why
end

--- A task that calls, and is given up soon.
local function attempt(fn, ...)
  local outcome
  local task = sched.spawn(function(...)
    outcome = compat.pack(try(fn, ...))
  end, ...)
  clock.settle()
  task:Cancel()
  clock.settle()
  return outcome[1] or sched.is_stop(outcome[2]), outcome[2]
end

local function parameters_of(signature)
  local parameters = {}
  for kind in signature:gmatch("%S+") do
    parameters[#parameters + 1] = KINDS[kind]
  end
  return parameters
end

--- Runs `fn(object)` on a clock of its own with a new object of a class.
local function with_object(class, fn)
  clock.run(function()
    local object = CLASSES[class].new()
    fn(object)
    if class == "actor" then
      object:Cancel()
    end
    clock.settle()
    clock.take_errors()
  end)
end

--- Calls a method with a value in place `n`, the object itself being 0.
local function check_argument(object, class, name, parameters, n, value)
  local arguments, count = { object }, #parameters + 1
  for i, kind in ipairs(parameters) do
    arguments[i + 1] = kind.good
  end
  arguments[n + 1] = value[2]
  local fine, why = attempt(object[name], compat.unpack(arguments, 1, count))
  local kind = parameters[n]
  local may_be = kind and (kind.any or kind[value[1]]) or n == 0 and class == value[1]
  if not may_be then
    assert.is_false(fine, name .. n .. value[1])
    assert.is_truthy(why:find("expected", 1, true), why)
  elseif not fine then
    -- It is wrong for another reason: a lock that nobody has.
    assert.is_nil(why:find("expected", 1, true), why)
  end
  -- The same outside of tasks: it works or raises here.
  try(object[name], compat.unpack(arguments, 1, count))
end

for class, methods in pairs(CLASSES) do
  describe(class, function()
    it("hides its metatable behind its name", function()
      with_object(class, function(object)
        assert.are.equal(class, getmetatable(object))
        assert.is_false(pcall(setmetatable, object, {}))
      end)
    end)

    it("is known here with all its methods", function()
      with_object(class, function(object)
        for name, method in pairs(debug.getmetatable(object)) do
          local is_method = type(method) == "function" and not name:find("^__")
          assert.are.equal(is_method, methods[name] ~= nil, name)
        end
      end)
    end)

    for name, signature in pairs(methods) do
      if name ~= "new" then
        it(name .. " takes what it should and blames the caller's line for the rest", function()
          local parameters = parameters_of(signature)
          for n = 0, #parameters do
            for place = 1, VALUES do
              with_object(class, function(object)
                check_argument(object, class, name, parameters, n, values()[place])
              end)
            end
          end
        end)
      end
    end
  end)
end

it("select takes cases that are some, and blames the caller's line for the rest", function()
  for place = 1, VALUES do
    clock.run(function()
      local case = values()[place]
      local is_case = case[1] == "channel" or case[1] == "task"
      local fine = attempt(select_from, { channel.new(0), case[2] or false })
      assert.are.equal(is_case, fine, case[1])
      attempt(select_from, case[2], 1)
      fine = attempt(select_from, { channel.new(0) }, case[2])
      assert.are.equal(KINDS["ms?"][case[1]] or false, fine, case[1])
    end)
  end
end)
