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
  --- Of one reply: bytes, levels, values in all.
  message = 512 * 1024 * 1024,
  depth = 64,
  elements = 16 * 1024 * 1024,
}
