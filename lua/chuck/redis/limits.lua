--- Defaults and limits of chuck.redis.
return {
  --- How long a command may take, and a connection with its greeting, in milliseconds.
  timeout_ms = 10000,
  connect_ms = 5000,
  --- Silence after which the server is asked whether it is there; after as long again it counts as
  --- gone.
  heartbeat_ms = 30000,
  --- The shortest pause between two attempts to connect, and the longest.
  backoff_ms = 50,
  backoff_max_ms = 5000,
  --- Commands that wait while there is no connection.
  queue = 10000,
  --- Bytes that wait to be sent: beyond it a command waits for its turn.
  send_limit = 64 * 1024 * 1024,
  --- How often a command is sent again when connections break under it.
  retries = 3,
  --- Commands in one pipeline; their bytes are bounded by `send_limit`.
  pipeline = 100000,
  --- How often a transaction begins anew because watched keys have changed, and the longest pause
  --- before it does, in milliseconds.
  watch_tries = 16,
  watch_pause_ms = 32,
  --- Connections for transactions that are kept while nobody needs them.
  watch_idle = 4,
  --- Messages of a subscription or a monitor that nobody has taken yet, and their bytes: beyond it
  --- the server is not listened to.
  buffer = 4096,
  buffer_bytes = 1024 * 1024,
  --- How many times that while a task waits for a confirmation, which comes behind messages.
  buffer_ahead = 16,
  --- Subscriptions and monitors of a client, each with a connection.
  subscriptions = 1000,
  --- Connections of commands that block, those that are kept without one, and how long.
  blocking = 100,
  blocking_idle = 4,
  blocking_idle_ms = 10000,
  --- Of the cache of `Cached`: replies, and their bytes.
  cache_entries = 10000,
  cache_bytes = 64 * 1024 * 1024,
  --- Entries of a stream that are asked for at a time, how long the server waits for the first, and
  --- how many may be read and not acknowledged.
  stream_count = 10,
  stream_block_ms = 5000,
  stream_unacked = 10000,
  --- How long nobody has acknowledged what is taken over, and the shortest and longest pause
  --- between two looks for that, in milliseconds.
  claim_idle_ms = 60000,
  claim_least_ms = 5,
  claim_most_ms = 30000,
  --- Connections of a pool: unless said otherwise, and at most.
  pool_size = 4,
  pool_most = 1000,
  --- Of one reply: bytes, levels, values in all.
  message = 512 * 1024 * 1024,
  depth = 64,
  elements = 16 * 1024 * 1024,
}
