--- Transactions: commands that are carried out together, with nothing in between.
---
---     client:Multi(function(tx) tx:Incr("a"):Incr("b") end)            --> { 1, 1 }
---
---     client:Watch("stock", function(session, tx)
---       local left = tonumber(session:Get("stock"))
---       if left == 0 then return false end                             -- nothing is done
---       tx:Set("stock", left - 1)
---     end)                                    -- again from the start if somebody was faster

local backoff = require("chuck.co.backoff")
local compat = require("chuck.support.compat")
local limits = require("chuck.redis.limits")
local outcome = require("chuck.redis.outcome")
local pipeline = require("chuck.redis.pipeline")
local sched = require("chuck.co.sched")
local session = require("chuck.redis.session")

local is_error, null = outcome.is_error, outcome.null
local pack, unpack = compat.pack, compat.unpack

local multi = {}

local MULTI, EXEC = "*1\r\n$5\r\nMULTI\r\n", "*1\r\n$4\r\nEXEC\r\n"

--- What a transaction answers for which the server has refused a command, or MULTI itself.
local function refusal(batch, raw, err)
  if is_error(raw[1]) then
    local text = "MULTI was refused, the commands were not kept together: %s"
    return nil, text:format(raw[1].message), raw[1].code, raw[1]
  end
  local reasons = { err.message }
  for i = 1, batch.size do
    if is_error(raw[i + 1]) then
      local text = "command %d, %s: %s"
      reasons[#reasons + 1] = text:format(i, batch.specs[i].name, raw[i + 1].message)
    end
  end
  return nil, table.concat(reasons, "; "), err.code, err
end

--- Sends a batch between MULTI and EXEC: a list of results; `null` when what was watched has
--- changed; or `nil, message, code[, err]`.
---@async
local function commit(client, from, batch, give_up)
  local size = batch.size
  local bytes = MULTI .. table.concat(batch.pieces) .. EXEC
  local raw, message, code = pipeline.exchange(from, bytes, size + 2, give_up)
  if not raw then
    return nil, message, code
  end
  local results = raw[size + 2]
  if results == null then
    return null
  elseif is_error(results) then
    client.errors = client.errors + 1
    for i = 1, client.options.on_refusal and size + 2 or 0 do
      if is_error(raw[i]) then
        client.options.on_refusal(client, raw[i])
      end
    end
    return refusal(batch, raw, results)
  elseif type(results) ~= "table" or #results ~= size then
    local why = "a list of %d results expected from EXEC"
    return outcome.none(from.peer, why:format(size), "ERDISPERROR")
  end
  return pipeline.finish(client, from.protocol, batch, results)
end

multi.refusal = refusal

local TRANSACTION = {
  deliver = function()
    outcome.blame("a transaction is executed when its function has returned")
  end,
}

local function check_function(name, n, fn)
  if type(fn) ~= "function" then
    outcome.raise(name, n, "function expected, got " .. outcome.kind_of(fn))
  end
end

--- Runs `fn(tx, ...)`, and executes what it has queued.
---@async
local function run(client, fn, ...)
  local tx = pipeline.new(client, TRANSACTION)
  local returned = pack(fn(tx, ...))
  if returned[1] == false then
    return false
  end
  local batch, message, code = pipeline.take(tx)
  if not batch then
    return nil, message, code
  elseif batch.size == 0 then
    return {}, unpack(returned, 1, returned.n)
  end
  local results, err
  results, message, code, err =
    pipeline.deliver(client, batch, client.timeout_ms, "transaction", commit)
  if not results then
    return nil, message, code, is_error(err) and err or nil
  elseif results == null then
    return outcome.none(
      "transaction",
      "EXEC has answered null, though nothing is watched",
      "ERDISPERROR"
    )
  end
  return results, unpack(returned, 1, returned.n)
end

--- Somebody else has changed what is watched.
local AGAIN = {}

--- One try, in a session: `results, ...`, or what else `Watch` answers, or AGAIN.
---@async
local function attempt(client, own, keys, fn)
  local watched, message, code, err = own:Call("WATCH", keys)
  if not watched then
    -- The server may have ended a link that was kept.
    if not err and own.link.ended and not own.is_new then
      session.close(own)
      return AGAIN, true
    end
    session[err and "give_back" or "close"](own)
    return nil, message, code, err
  end
  local tx = pipeline.new(client, TRANSACTION)
  local returned = pack(fn(own, tx))
  local batch
  batch, message, code = pipeline.take(tx)
  if returned[1] == false or not batch then
    own:Call("UNWATCH")
    session.give_back(own)
    if batch then
      return false
    end
    return nil, message, code
  end
  local results
  results, message, code, err = commit(client, own.link, batch, sched.now() + client.timeout_ms)
  if not results and not err then
    session.close(own)
    return nil, "transaction: " .. message, code
  end
  session.give_back(own)
  if results == null then
    return AGAIN
  elseif not results then
    return nil, "transaction: " .. message, code, err
  end
  return results, unpack(returned, 1, returned.n)
end

--- As `attempt`; whatever is raised, the session ends.
local function conclude(own, fine, ...)
  if not fine then
    session.close(own)
    error((...), 0)
  end
  return ...
end

--- Tries until nobody was faster.
---@async
local function watch(client, perform_on, keys, fn, tries)
  local pause = backoff.new(1, limits.watch_pause_ms)
  local done = 0
  while done < tries do
    local own, message, code, err = session.open(client, perform_on)
    if not own then
      return nil, "WATCH: " .. message, code, err
    end
    local answer = pack(conclude(own, sched.pcall(attempt, client, own, keys, fn)))
    if answer[1] ~= AGAIN then
      return unpack(answer, 1, answer.n)
    elseif not answer[2] then
      done = done + 1
      if done < tries then
        sched.sleep(pause:Next())
      end
    end
  end
  local text = "others have changed what is watched in each of %d tries"
  return outcome.none("transaction", text:format(tries), "EAGAIN")
end

--- Keys as a list; raises for what are none.
local function keys_of(keys)
  local list = type(keys) == "table" and keys or { keys }
  for i = 1, #list do
    if type(list[i]) ~= "string" and type(list[i]) ~= "number" then
      local text = "string expected in place %d, got %s"
      outcome.raise("Watch", 1, text:format(i, outcome.kind_of(list[i])))
    end
  end
  if #list == 0 then
    outcome.raise("Watch", 1, "key or list of keys expected, got " .. outcome.kind_of(keys))
  end
  return list
end

--- Gives a class of clients `Multi` and `Watch`; `perform_on(client, link, timeout_ms, spec, ...)`
--- sends a command.
function multi.extend(class, expect, perform_on)
  --- Executes what `fn(tx, ...)` has queued as one transaction: its results, and what `fn` has
  --- returned; false if that was false, and then nothing is sent.
  ---@async
  function class:Multi(fn, ...)
    expect(self, "Multi")
    check_function("Multi", 1, fn)
    return run(self, fn, ...)
  end

  --- As `Multi`, if nobody changes `keys` from before `fn(session, tx)` is called until its
  --- transaction is executed; else all begins anew, up to `tries` times.
  ---@async
  function class:Watch(keys, fn, tries)
    expect(self, "Watch")
    keys = keys_of(keys)
    check_function("Watch", 2, fn)
    if tries ~= nil and not (type(tries) == "number" and tries >= 1 and tries % 1 == 0) then
      outcome.raise("Watch", 3, "positive integer expected, got " .. outcome.kind_of(tries))
    end
    return watch(self, perform_on, keys, fn, tries or limits.watch_tries)
  end
end

return multi
