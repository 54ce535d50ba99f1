--- Coroutines alone: what any scheduler adds to.

local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield

local bare = {}

local function empty() end

--- So many coroutines that end at once, `batch` alive at a time.
function bare.spawn(count, batch)
  local live = {}
  for _ = 1, count / batch do
    for index = 1, batch do
      live[index] = create(empty)
    end
    for index = 1, batch do
      resume(live[index])
    end
  end
end

--- So many yields of `number` coroutines in turn.
function bare.yield(count, number)
  local live = {}
  local rounds = count / number
  for index = 1, number do
    live[index] = create(function()
      for _ = 1, rounds do
        yield()
      end
    end)
  end
  for _ = 1, rounds do
    for index = 1, number do
      resume(live[index])
    end
  end
end

--- So many values from one coroutine to another: `room` of them for one switch there and back.
function bare.pass(count, room)
  local queue, last = {}, 0
  local producer = create(function()
    for value = 1, count do
      last = last + 1
      queue[last] = value
      if last >= room then
        yield()
      end
    end
  end)
  local taken = 0
  local consumer = create(function()
    while taken < count do
      for index = 1, last do
        assert(queue[index] == taken + 1)
        taken = taken + 1
      end
      last = 0
      yield()
    end
  end)
  while taken < count do
    resume(producer)
    resume(consumer)
  end
end

--- Parked and resumed, without a clock.
function bare.sleep(count, due, all_parked)
  local live, woken = {}, 0
  for index = 1, count do
    local thread = create(function(_)
      yield()
      woken = woken + 1
    end)
    resume(thread, due[index])
    live[index] = thread
  end
  all_parked()
  for index = 1, count do
    resume(live[index])
  end
  return woken
end

return bare
