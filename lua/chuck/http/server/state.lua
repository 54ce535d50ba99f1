--- What a server is made of: its options, and what it begins with.

local books = require("chuck.http.server.books")
local limits = require("chuck.http.server.limits")
local sweep = require("chuck.http.server.sweep")

local state = {}

--- Options, and their kinds.
state.OPTIONS = {
  backlog = "positive integer",
  body_ms = "milliseconds",
  body_rate = "count",
  fd = "descriptor",
  handler_ms = "milliseconds",
  header_ms = "milliseconds",
  idle_ms = "milliseconds",
  linger_ms = "milliseconds",
  max_body = "size",
  max_connections = "positive integer",
  max_connections_per_ip = "count",
  max_fields = "positive integer",
  max_head = "positive integer",
  max_requests_per_connection = "count",
  max_target = "positive integer",
  mode = "permissions",
  on_accept_error = "function",
  on_error = "function",
  pipeline = "positive integer",
  reuse_port = "boolean",
  write_ms = "milliseconds",
}

--- Options with their defaults.
local function with_defaults(given)
  local options = {}
  for name, value in pairs(limits) do
    options[name] = value
  end
  for name, value in pairs(given) do
    options[name] = value
  end
  return options
end

--- A server before it listens, without its class.
function state.new(handler, given)
  local options = with_defaults(given)
  local interval = sweep.interval({
    options.header_ms,
    options.idle_ms,
    options.body_ms,
    options.handler_ms,
  })
  local self = {
    handler = handler,
    options = options,
    on_error = options.on_error,
    pipeline = options.pipeline,
    max_requests = options.max_requests_per_connection or 0,
    --- The time between two ticks, their count, and limits in ticks.
    interval = interval,
    tick = 0,
    head_ticks = 0,
    idle_ticks = 0,
    body_ticks = 0,
    handler_ticks = 0,
    ticks_per_byte = options.body_rate > 0 and 1000 / options.body_rate / interval or math.huge,
    --- Open connections as a list, their number, and that for each address when it is limited.
    exchanges = {},
    count = 0,
    by_ip = {},
    --- The last of those that this tick has still to look at, and the timer that goes on with them.
    unseen = 0,
    slices = false,
    --- Connections that end while the server does, and may still have to send.
    lingering = {},
    --- The task that holds everything, its scope, the listening sockets, and the timer.
    keeper = false,
    children = false,
    sockets = {},
    timer = false,
    --- Shutting down; at its end.
    is_closing = false,
    is_stopped = false,
    --- What the keeper waits in.
    stopping = { what = "requests" },
    --- Counters.
    requests = 0,
    accepted = 0,
    refused = 0,
    errors = 0,
    violations = 0,
    timeouts = 0,
    failures = 0,
    --- Of request ids: the same for all of this server, and the last.
    prefix = false,
    last_id = 0,
  }
  self.head_ticks = books.ticks(self, options.header_ms)
  self.idle_ticks = books.ticks(self, options.idle_ms)
  self.body_ticks = books.ticks(self, options.body_ms)
  self.handler_ticks = books.ticks(self, options.handler_ms)
  function self.stopping.Leave() end
  return self
end

return state
