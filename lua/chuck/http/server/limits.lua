--- Limits and defaults of HTTP, with units and reasons.

return {
  --- Milliseconds for a whole head, from its first byte, or from the connection on. Slowloris.
  header_ms = 10000,
  --- Milliseconds that a connection may wait for its next request. Browsers give up after 60 s.
  idle_ms = 60000,
  --- Milliseconds without progress of a body that somebody waits for.
  body_ms = 30000,
  --- Bytes per second that a body has to bring; slower ones make no progress.
  body_rate = 240,
  --- Milliseconds that a handler may neither read from nor write to its client. 0: any time.
  handler_ms = 60000,
  --- Milliseconds in which a client has to take anything of what is queued.
  write_ms = 30000,
  --- Milliseconds in which a connection that ends sends the rest and takes in what nobody wants.
  linger_ms = 5000,
  --- Connections of one server. The next wait in the kernel.
  max_connections = 10000,
  --- Bytes of a head, and of its first line; number of fields.
  max_head = 65536,
  max_target = 16384,
  max_fields = 128,
  --- Bytes of the body of a request, of whichever kind.
  max_body = 8388608,
  --- Requests that wait while one is served on their connection.
  pipeline = 16,
  --- Milliseconds that requests may take to end when the server shuts down.
  shutdown_ms = 30000,
}
