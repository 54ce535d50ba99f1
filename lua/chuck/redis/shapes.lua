--- Replies of RESP2 in the shape that RESP3 gives them.
---
---     shapes.give(specs.HGETALL, { "a", "1", "b", "2" })     --> { a = "1", b = "2" }
---     shapes.give(specs.ZSCORE, "1.5")                       --> 1.5
---
--- What is not of the form that a shape expects (null, an error, a reply of a server that speaks
--- otherwise) is left as it is.
local shapes = {}

--- Whether a value is data of some items: not null, not an error.
local function is_list(value)
  return type(value) == "table" and getmetatable(value) == nil
end

local NUMBERS = { inf = math.huge, ["-inf"] = -math.huge, nan = 0 / 0, ["-nan"] = 0 / 0 }

local function double(value)
  if type(value) ~= "string" then
    return value
  end
  local number = tonumber(value)
  return NUMBERS[value] or number and number + 0.0 or value
end

--- Makes a shape: a map of a flat list, with shapes of some `fields`, or one for `each` value.
local function map_of(fields, each)
  return function(list)
    if not is_list(list) then
      return list
    end
    local made = {}
    for i = 1, #list - 1, 2 do
      local name, value = list[i], list[i + 1]
      local shape = each or fields[name]
      made[name] = shape and shape(value) or value
    end
    return made
  end
end

--- Makes a shape: every item of a list has this one.
local function list_of(shape)
  return function(list)
    if is_list(list) then
      for i = 1, #list do
        list[i] = shape(list[i])
      end
    end
    return list
  end
end

--- Makes a shape: items of a list at these positions have shapes.
local function items_of(positions)
  return function(list)
    if is_list(list) then
      for at, shape in pairs(positions) do
        if list[at] ~= nil then
          list[at] = shape(list[at])
        end
      end
    end
    return list
  end
end

local map = map_of({})
local maps = list_of(map)
local doubles = list_of(double)
local member_and_score = items_of({ [2] = double })

--- A flat list as a list of pairs, the second of each with a shape.
local function pairs_of(list, shape)
  if not is_list(list) then
    return list
  end
  local made = {}
  for i = 1, #list - 1, 2 do
    made[#made + 1] = { list[i], shape and shape(list[i + 1]) or list[i + 1] }
  end
  return made
end

--- The arguments as they are on the wire: lists item by item.
local function flat(...)
  local made = {}
  for i = 1, select("#", ...) do
    local argument = select(i, ...)
    if is_list(argument) then
      for _, item in ipairs(argument) do
        made[#made + 1] = item
      end
    else
      made[#made + 1] = argument
    end
  end
  return made
end

--- Whether an option is among the arguments, from a position on.
local function has_option(option, arguments, from)
  for i = from, #arguments do
    local argument = arguments[i]
    if type(argument) == "string" and argument:upper() == option then
      return true
    end
  end
  return false
end

--- Where options of commands with scores can begin: behind what may be a member or a key.
local function first_option(spec, arguments)
  if spec.key_number then
    return spec.key_number + 1 + (tonumber(arguments[spec.key_number]) or 0)
  end
  return spec.name == "ZRANDMEMBER" and 3 or 4
end

--- Coordinates among what GEOSEARCH says of one place: the only list there.
local function place(item)
  if is_list(item) then
    for i = 2, #item do
      item[i] = is_list(item[i]) and doubles(item[i]) or item[i]
    end
  end
  return item
end

--- Descriptions of arguments, which contain each other.
local function described_arguments(list)
  return list_of(map_of({ arguments = described_arguments }))(list)
end

--- What COMMAND DOCS says of a command, and of its subcommands.
local function described(list)
  return map_of({ arguments = described_arguments, subcommands = map_of({}, described) })(list)
end

local key_position = map_of({ spec = map })

--- What COMMAND says of a command, and of its subcommands.
local function command_info(list)
  return items_of({
    [9] = list_of(map_of({ begin_search = key_position, find_keys = key_position })),
    [10] = list_of(command_info),
  })(list)
end

--- MEMORY STATS: what is neither a count nor a database is a share.
local function share_or_map(value)
  return is_list(value) and map(value) or double(value)
end

--- The members of CLUSTER SLOTS behind the two slots: address, port, id, other names.
local function slot_range(list)
  for i = 3, is_list(list) and #list or 0 do
    list[i] = items_of({ [4] = map })(list[i])
  end
  return list
end

--- By the names in the list of commands: `giver(value, spec, ...)`, with the arguments.
local GIVERS = {
  acl_log = list_of(map_of({ ["age-seconds"] = double })),
  acl_user = map_of({ selectors = maps }),
  command_docs = map_of({}, described),
  command_infos = list_of(command_info),
  double = double,
  doubles = doubles,
  found = list_of(place),
  function_stats = map_of({ running_script = map, engines = map_of({}, map) }),
  functions = list_of(map_of({ functions = maps })),
  hello = map_of({ modules = maps }),
  histograms = map_of({}, map_of({ histogram_usec = map })),
  key_and_popped = items_of({ [3] = double }),
  map = map,
  maps = maps,
  memory = map_of({}, share_or_map),
  popped_by_key = items_of({ [2] = list_of(member_and_score) }),
  positions = list_of(doubles),
  shards = list_of(map_of({ nodes = maps })),
  slots = list_of(slot_range),
}

--- The only shape whose keys come in a list of pairs.
function GIVERS.streams(value)
  if not is_list(value) then
    return value
  end
  local made = {}
  for _, pair in ipairs(value) do
    if not is_list(pair) or pair[1] == nil then
      return value
    end
    made[pair[1]] = pair[2]
  end
  return made
end

--- With the word FULL there are maps inside.
local full_stream = map_of({ groups = list_of(map_of({ consumers = maps })) })

function GIVERS.stream(value, _, ...)
  local is_full = has_option("FULL", flat(...), 2)
  return (is_full and full_stream or map)(value)
end

--- LCS says a string or a number, but for IDX.
GIVERS.matches = map

--- With a count there is a list of pairs, without one a pair.
function GIVERS.popped(value, _, ...)
  if #flat(...) > 1 then
    return pairs_of(value, double)
  end
  return member_and_score(value)
end

function GIVERS.with_scores(value, spec, ...)
  local arguments = flat(...)
  if has_option("WITHSCORES", arguments, first_option(spec, arguments)) then
    return pairs_of(value, double)
  end
  return value
end

function GIVERS.with_values(value, _, ...)
  return has_option("WITHVALUES", flat(...), 3) and pairs_of(value) or value
end

--- A reply as RESP3 would have it; `...` are the arguments of the command.
function shapes.give(spec, value, ...)
  local giver = GIVERS[spec.shape]
  if giver then
    return giver(value, spec, ...)
  end
  return value
end

return shapes
