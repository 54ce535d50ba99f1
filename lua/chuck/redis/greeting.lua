--- What a new connection says first: the protocol, who we are, and which database is meant.
---
--- ```text
---  HELLO 3 AUTH user password SETNAME name     or, where the server is too old for it,
---  AUTH user password, CLIENT SETNAME name     and then, either way,
---  SELECT db, and whatever options.setup lists
--- ```

local compat = require("chuck.support.compat")
local outcome = require("chuck.redis.outcome")
local sched = require("chuck.co.sched")

local greeting = {}

local function hello(options)
  local command = { "HELLO", "3" }
  if options.password then
    command[3], command[4], command[5] = "AUTH", options.username or "default", options.password
  end
  if options.client_name then
    command[#command + 1] = "SETNAME"
    command[#command + 1] = options.client_name
  end
  return command
end

--- The same for a server that does not know HELLO.
local function introduction(options)
  local list = {}
  if options.username then
    list[1] = { "AUTH", options.username, options.password or "" }
  elseif options.password then
    list[1] = { "AUTH", options.password }
  end
  if options.client_name then
    list[#list + 1] = { "CLIENT", "SETNAME", options.client_name }
  end
  return list
end

local function is_too_old(err)
  return err.code == "NOPROTO"
    or err.code == "ERR" and err.message:find("unknown command", 1, true) ~= nil
end

--- Sends one command: its reply; or `nil, message, code[, err]`.
---@async
local function ask(link, give_up, command)
  local left = math.max(give_up - sched.now(), 0)
  local value, message, code = link:Request(left, compat.unpack(command))
  if value == nil then
    return nil, message, code
  elseif not value then
    local why = message and "cannot be sent, " .. code or "false is no answer to it"
    return nil, ("%s: %s: %s"):format(link.peer, command[1], why), "ERDISPERROR"
  elseif outcome.is_error(value) then
    return nil, ("%s: %s: %s"):format(link.peer, command[1], value.message), value.code, value
  end
  return value
end

---@async
local function ask_all(link, give_up, list)
  for _, command in ipairs(list) do
    local value, message, code, err = ask(link, give_up, command)
    if value == nil then
      return nil, message, code, err
    end
  end
  return true
end

local function with_database(list, options)
  if options.db and options.db ~= 0 then
    list[#list + 1] = { "SELECT", options.db }
  end
  return list
end

--- What is said to a server that speaks version `protocol` for sure, as a list of commands.
function greeting.commands(options, protocol)
  return with_database(protocol == 3 and { hello(options) } or introduction(options), options)
end

--- Greets the server until `give_up`: true, or `nil, message, code[, err]`.
---@async
function greeting.say(link, options, give_up)
  local is_old = options.protocol == 2
  if not is_old then
    local value, message, code, err = ask(link, give_up, hello(options))
    if value then
      link.protocol = 3
    elseif not err or options.protocol == 3 or not is_too_old(err) then
      return nil, message, code, err
    end
    is_old = not value
  end
  local list = with_database(is_old and introduction(options) or {}, options)
  for _, command in ipairs(options.setup or {}) do
    list[#list + 1] = command
  end
  return ask_all(link, give_up, list)
end

return greeting
