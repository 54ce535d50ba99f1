--- Every limit and default of `chuck.rpc`, with its unit and its reason.

return {
  --- Largest message, in bytes: what one peer can make the other hold at a time for a call.
  message = 4 * 1024 * 1024,
  --- Calls of one peer that wait for an answer, each way. A call that is served has a task.
  calls = 16384,
  --- Bytes of calls that are served at a time, in messages of more than `light` bytes: lighter ones
  --- are limited by `calls` alone.
  held = 64 * 1024 * 1024,
  light = 4096,
  --- Values of one call beside its name, or of its results.
  values = 3990,
  --- Length of the name of a service, in bytes.
  name = 255,
  --- Length of what `traceparent` may carry, in bytes: W3C's version 00 has 55.
  trace = 128,
  --- Values of a stream on their way to somebody who does not take them.
  window = 64,
  --- Plain packets that wait for `on_packet`; then the connection is not read on.
  packets = 1024,
  --- Length of an error message, or of a traceback, that is told to a peer, in bytes.
  text = 16384,
  --- Bytes of an error beside its texts: kind, count, id, code, and what a format adds.
  error_head = 128,
  --- Messages that are taken before the loop gets its turn: while their answers travel, the next
  --- are worked on. Fewer cost more writes, more let the two sides wait for each other.
  batch = 32,
  --- How long a call waits for its answer, in milliseconds.
  timeout_ms = 30000,
  --- How long nothing may arrive before a peer is asked whether it is there, in milliseconds;
  --- after as long again without an answer it is taken for gone.
  heartbeat_ms = 10000,
  --- How long a message may wait for a peer that does not read, in milliseconds.
  stall_ms = 10000,
  --- Bytes of answers that wait meanwhile, beside what the stream has queued.
  stalled = 256 * 1024 * 1024,
  --- How long the last messages may take when a peer is closed, in milliseconds.
  linger_ms = 1000,
  --- A default timeout is told late by up to twice this part of it: one timer looks after all
  --- calls, notes up to which they had begun, and comes back.
  late = 1 / 32,
  --- How often calls that are served are looked at for their deadline, in milliseconds. The caller
  --- cancels a call on time; this is for callers that do not.
  look_ms = 1000,
  --- Connections that a server has at a time. The next wait in the kernel.
  connections = 10000,
  --- How long a connection may take before it says hello, in milliseconds.
  hello_ms = 5000,
  --- How long a connection may take to be made, in milliseconds.
  connect_ms = 5000,
  --- The longest first pause before a connection is made again, and the longest of all, in
  --- milliseconds: a server that comes back is found soon, one that does not is left in peace.
  backoff_ms = 100,
  backoff_max_ms = 5000,
  --- Connections of a pool: each call looks at all of them.
  pool = 256,
  --- How often a call is made again, elsewhere or after its connection has broken.
  retries = 3,
  --- How often it is looked whether a thread is still there, in milliseconds. Threads say farewell;
  --- this is for those that could not.
  thread_look_ms = 200,
  --- Bytes on their way to a thread that has not taken them, and what is queued before a writer
  --- waits, or is refused.
  thread_window = 4 * 1024 * 1024,
  thread_high_water = 1024 * 1024,
  thread_send_limit = 64 * 1024 * 1024,
}
