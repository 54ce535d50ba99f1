--- Makes what chuck knows of Redis commands from what a server says: COMMAND and COMMAND DOCS.
---
---     scripts/redis_commands                          # writes both files
---     redis_commands.list(server)                     -- the text of one of them, for specs
local cjson = require("cjson")

local redis = require("spec.helper.redis")

local redis_commands = {
  LIST = "lua/chuck/redis/command_list.lua",
  TYPES = "types/chuck/redis_commands.lua",
}

--- Names of commands as people write them, where more than the first letter is large. A name that
--- is not here, say that of a later server, has one large letter.
local METHODS = [[
  BgRewriteAof BgSave BitCount BitField BitFieldRO BitOp BitPos BLMove BLMPop BLPop BRPop
  BRPopLPush BZMPop BZPopMax BZPopMin DbSize DecrBy EvalRO EvalSha EvalShaRO ExpireAt ExpireTime
  FCall FCallRO FlushAll FlushDb GeoAdd GeoDist GeoHash GeoPos GeoRadius GeoRadiusByMember
  GeoRadiusByMemberRO GeoRadiusRO GeoSearch GeoSearchStore GetBit GetDel GetEx GetRange GetSet
  HDel HExists HGet HGetAll HIncrBy HIncrByFloat HKeys HLen HMGet HMSet HRandField HScan HSet
  HSetNX HStrLen HVals IncrBy IncrByFloat LastSave LCS LIndex LInsert LLen LMove LMPop LolWut
  LPop LPos LPush LPushX LRange LRem LSet LTrim MGet MSet MSetNX PExpire PExpireAt PExpireTime
  PfAdd PfCount PfDebug PfMerge PfSelfTest PSetEx PSubscribe PSync PTTL PubSub PUnsubscribe
  RandomKey ReadOnly ReadWrite RenameNX ReplConf ReplicaOf RestoreAsking RPop RPopLPush RPush
  RPushX SAdd SCard SDiff SDiffStore SetBit SetEx SetNX SetRange SInter SInterCard SInterStore
  SIsMember SlaveOf SlowLog SMembers SMIsMember SMove SortRO SPop SPublish SRandMember SRem SScan
  SSubscribe StrLen SubStr SUnion SUnionStore SUnsubscribe SwapDb TTL UnWatch XAck XAdd XAutoClaim
  XClaim XDel XGroup XInfo XLen XPending XRange XRead XReadGroup XRevRange XSetId XTrim ZAdd ZCard
  ZCount ZDiff ZDiffStore ZIncrBy ZInter ZInterCard ZInterStore ZLexCount ZMPop ZMScore ZPopMax
  ZPopMin ZRandMember ZRange ZRangeByLex ZRangeByScore ZRangeStore ZRank ZRem ZRemRangeByLex
  ZRemRangeByRank ZRemRangeByScore ZRevRange ZRevRangeByLex ZRevRangeByScore ZRevRank ZScan ZScore
  ZUnion ZUnionStore
  AddSlots AddSlotsRange BumpEpoch CountFailureReports CountKeysInSlot CreateConsumer DelConsumer
  DelSlots DelSlotsRange DelUser DryRun FlushSlots GenPass GetKeys GetKeysAndFlags GetKeysInSlot
  GetName GetRedir GetUser IdleTime KeySlot LoadEx MallocStats MyId NoEvict NumPat NumSub RefCount
  ResetStat SaveConfig SetConfigEpoch SetId SetName SetSlot SetUser ShardChannels ShardNumSub
  TrackingInfo UnBlock UnPause WhoAmI
]]

--- Where a blocking command has its time: nothing in COMMAND says so.
local BLOCK = {
  BLPOP = "last",
  BRPOP = "last",
  BRPOPLPUSH = "last",
  BLMOVE = "last",
  BZPOPMIN = "last",
  BZPOPMAX = "last",
  BLMPOP = "first",
  BZMPOP = "first",
  XREAD = "BLOCK",
  XREADGROUP = "BLOCK",
  -- It has no flag, and keeps the whole connection waiting as the others do.
  WAIT = "second",
}

--- Keys that COMMAND calls unknown: SORT's own patterns name more, but only on one node.
local KEY_AFTER = { SORT = { "STORE" } }

--- How replies of RESP2 differ from those of RESP3. The server does not say so before 7.2:
--- `spec/redis_shapes_spec.lua` asks it in both and compares.
local SHAPES = {
  ["ACL GETUSER"] = "acl_user",
  ["ACL LOG"] = "acl_log",
  ["BZMPOP"] = "popped_by_key",
  ["BZPOPMAX"] = "key_and_popped",
  ["BZPOPMIN"] = "key_and_popped",
  ["CLIENT TRACKINGINFO"] = "map",
  ["CLUSTER LINKS"] = "maps",
  ["CLUSTER SHARDS"] = "shards",
  ["CLUSTER SLOTS"] = "slots",
  ["COMMAND"] = "command_infos",
  ["COMMAND DOCS"] = "command_docs",
  ["COMMAND INFO"] = "command_infos",
  ["CONFIG GET"] = "map",
  ["FUNCTION LIST"] = "functions",
  ["FUNCTION STATS"] = "function_stats",
  ["GEOPOS"] = "positions",
  ["GEORADIUS"] = "found",
  ["GEORADIUSBYMEMBER"] = "found",
  ["GEORADIUSBYMEMBER_RO"] = "found",
  ["GEORADIUS_RO"] = "found",
  ["GEOSEARCH"] = "found",
  ["HELLO"] = "hello",
  ["HGETALL"] = "map",
  ["HRANDFIELD"] = "with_values",
  ["LATENCY HISTOGRAM"] = "histograms",
  ["LCS"] = "matches",
  ["MEMORY STATS"] = "memory",
  ["MODULE LIST"] = "maps",
  ["XINFO CONSUMERS"] = "maps",
  ["XINFO GROUPS"] = "maps",
  ["XINFO STREAM"] = "stream",
  ["XREAD"] = "streams",
  ["XREADGROUP"] = "streams",
  ["ZADD"] = "double",
  ["ZDIFF"] = "with_scores",
  ["ZINCRBY"] = "double",
  ["ZINTER"] = "with_scores",
  ["ZMPOP"] = "popped_by_key",
  ["ZMSCORE"] = "doubles",
  ["ZPOPMAX"] = "popped",
  ["ZPOPMIN"] = "popped",
  ["ZRANDMEMBER"] = "with_scores",
  ["ZRANGE"] = "with_scores",
  ["ZRANGEBYSCORE"] = "with_scores",
  ["ZREVRANGE"] = "with_scores",
  ["ZREVRANGEBYSCORE"] = "with_scores",
  ["ZSCORE"] = "double",
  ["ZUNION"] = "with_scores",
}

local FLAGS = {
  { "readonly", "r" },
  { "write", "w" },
  { "blocking", "b" },
  { "pubsub", "p" },
  { "admin", "a" },
}

local written = {}
for method in METHODS:gmatch("%S+") do
  written[method:lower()] = method
end

--- "XINFO|STREAM" -> "XInfoStream".
local function method_of(name)
  local parts = {}
  for word in name:gmatch("[^|]+") do
    local lower = word:lower():gsub("[-_]", "")
    parts[#parts + 1] = written[lower] or lower:gsub("^%l", string.upper)
  end
  return table.concat(parts)
end

local function set_of(list)
  local set = {}
  for _, item in ipairs(list) do
    set[item] = true
  end
  return set
end

--- What the server says of all commands, and of subcommands as "client|info": sorted by name.
local function ask(server)
  local docs = cjson.decode(server:Cli("-3", "--json", "COMMAND", "DOCS"))
  local found = {}
  local function add(info, doc, is_container)
    local command = { name = info[1]:upper(), info = info, doc = doc, is_container = is_container }
    found[#found + 1] = command
    for _, inner in ipairs(info[10]) do
      add(inner, doc.subcommands[inner[1]], false)
    end
  end
  for _, info in ipairs(cjson.decode(server:Cli("-3", "--json", "COMMAND"))) do
    add(info, docs[info[1]], #info[10] > 0)
  end
  table.sort(found, function(a, b)
    return a.name < b.name
  end)
  return found
end

local function flags_of(command)
  local has, letters = set_of(command.info[3]), {}
  -- A blocking command in the server's sense, or one that keeps the connection waiting.
  has.blocking = has.blocking or BLOCK[command.name] ~= nil
  for _, flag in ipairs(FLAGS) do
    letters[#letters + 1] = has[flag[1]] and flag[2] or nil
  end
  letters[#letters + 1] = command.is_container and "c" or nil
  return #letters > 0 and table.concat(letters) or "-"
end

--- Positions are the server's, in which the first word of the command is 0; ours count from behind
--- all words.
local function shift_of(command)
  return command.name:find("|", 1, true) and 1 or 0
end

local function keys_of(command)
  local first, last, step = command.info[4], command.info[5], command.info[6]
  local shift = shift_of(command)
  if first == 0 then
    return "-"
  end
  return ("%d,%d,%d"):format(first - shift, last < 0 and last or last - shift, step)
end

local function extras_of(command)
  local extras, one = {}, {}
  for _, key_spec in ipairs(command.info[9]) do
    local begin, find = key_spec.begin_search, key_spec.find_keys
    if find.type == "keynum" then
      local at = begin.spec.index + find.spec.keynumidx - shift_of(command)
      extras[#extras + 1] = ("number=%d"):format(at)
    elseif begin.type == "keyword" and find.spec.lastkey == 0 then
      one[#one + 1] = begin.spec.keyword
    elseif begin.type == "keyword" then
      extras[#extras + 1] = "after=" .. begin.spec.keyword
      extras[#extras + 1] = find.spec.limit == 2 and "half" or nil
    end
  end
  for _, word in ipairs(KEY_AFTER[command.name] or {}) do
    one[#one + 1] = word
  end
  local name = command.name:gsub("|", " ")
  extras[#extras + 1] = #one > 0 and "one=" .. table.concat(one, ",") or nil
  extras[#extras + 1] = BLOCK[name] and "block=" .. BLOCK[name] or nil
  extras[#extras + 1] = SHAPES[name] and "shape=" .. SHAPES[name] or nil
  return table.concat(extras, " ")
end

local function version_of(server)
  return server:Info("redis_version")
end

--- The text of command_list.lua.
function redis_commands.list(server)
  local lines = {}
  for i, command in ipairs(ask(server)) do
    local columns = {
      command.name,
      method_of(command.name),
      flags_of(command),
      keys_of(command),
      extras_of(command),
    }
    lines[i] = table.concat(columns, " "):gsub(" $", "")
  end
  return ([==[
--- The commands of redis-server %s. Written by scripts/redis_commands: not to be changed here.
---
--- A line is: name, method, flags (r: reads only, w: writes, b: blocks, p: is of publishing, a: is
--- for administrators, c: has subcommands), first key, last key and step, and what is special.
--- `commands` reads it.
return {
  VERSION = "%s",
  LINES = [[
%s
]],
}
]==]):format(version_of(server), version_of(server), table.concat(lines, "\n"))
end

--- How an argument is written: `[EX seconds | PX milliseconds]`.
local syntax_of

local function inner_syntax(argument, separator)
  local parts = {}
  for i, inner in ipairs(argument.arguments) do
    parts[i] = syntax_of(inner)
  end
  return table.concat(parts, separator)
end

function syntax_of(argument)
  local flags = set_of(argument.flags or {})
  local text = argument.name
  if argument.type == "pure-token" then
    text = argument.token == "" and '""' or argument.token
  elseif argument.type == "block" then
    text = inner_syntax(argument, " ")
  elseif argument.type == "oneof" then
    text = inner_syntax(argument, " | ")
    text = flags.optional and text or "<" .. text .. ">"
  end
  local token = argument.type ~= "pure-token" and argument.token
  if flags.multiple then
    local again = flags.multiple_token and token and token .. " " .. text or text
    text = text .. " [" .. again .. " ...]"
  end
  if token then
    text = (token == "" and '""' or token) .. " " .. text
  end
  return flags.optional and "[" .. text .. "]" or text
end

local KEYWORDS = set_of({ "end", "function", "in", "not", "or", "and", "repeat", "until", "then" })
local LUA_TYPES = { integer = "integer", double = "number", ["unix-time"] = "integer" }

--- Parameters as far as they are simple, then `...`.
local function parameters_of(arguments)
  local names, lines, taken = {}, {}, {}
  for i, argument in ipairs(arguments) do
    local flags = set_of(argument.flags or {})
    local is_single = not argument.arguments and not argument.token and not flags.multiple
    if not is_single or (flags.optional and i < #arguments) then
      names[#names + 1] = "..."
      lines[#lines + 1] = "---@param ... chuck.RedisArgument"
      break
    end
    local name = argument.name:gsub("[^%w]", "_")
    name = KEYWORDS[name] and name .. "_" or taken[name] and name .. i or name
    taken[name] = true
    names[#names + 1] = name
    lines[#lines + 1] = ("---@param %s%s %s"):format(
      name,
      flags.optional and "?" or "",
      argument.type == "key" and "string" or LUA_TYPES[argument.type] or "chuck.RedisArgument"
    )
  end
  return table.concat(names, ", "), lines
end

local function usage_of(command)
  local parts = { (command.name:gsub("|", " ")) }
  for _, argument in ipairs(command.doc.arguments or {}) do
    parts[#parts + 1] = syntax_of(argument)
  end
  return table.concat(parts, " ")
end

local function method_types(command)
  local doc = command.doc
  local names, parameters = parameters_of(doc.arguments or {})
  local lines = {
    "--- " .. doc.summary:gsub("[%s.]+$", "") .. ".",
    ("--- `%s`, since %s."):format(usage_of(command), doc.since),
  }
  if command.is_container then
    names, parameters = "...", { "---@param ... chuck.RedisArgument" }
  end
  if set_of(doc.doc_flags or {}).deprecated then
    lines[#lines + 1] = "---@deprecated " .. (doc.replaced_by or "")
  end
  lines[#lines + 1] = "---@async"
  for _, line in ipairs(parameters) do
    lines[#lines + 1] = line
  end
  lines[#lines + 1] = "---@return any value, string? message, string? code, table? err"
  lines[#lines + 1] = ("function RedisCommands:%s(%s) end"):format(method_of(command.name), names)
  return table.concat(lines, "\n")
end

--- The text of types/chuck/redis_commands.lua.
function redis_commands.types(server)
  local methods = {}
  for i, command in ipairs(ask(server)) do
    methods[i] = method_types(command)
  end
  return ([==[
---@meta chuck.redis.commands

--- What a command takes: a list is so many arguments, any other table names and values in turn.
---@alias chuck.RedisArgument string|number|chuck.RawPacket|table

--- A method for each command of redis-server %s. Written by scripts/redis_commands: not to be
--- changed here.
---@class chuck.RedisCommands
local RedisCommands = {}

%s
]==]):format(version_of(server), table.concat(methods, "\n\n"))
end

local function write_file(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  print("wrote " .. path)
end

--- Writes both files from the redis-server of this machine.
function redis_commands.write()
  local server = redis.server()
  write_file(redis_commands.LIST, redis_commands.list(server))
  write_file(redis_commands.TYPES, redis_commands.types(server))
  redis.finish()
end

return redis_commands
