--- Limits and defaults of the client, each with its unit and the reason for it.

local KIB, MIB = 1024, 1024 * 1024

return {
  --- All of a request up to its collected answer, or to the head of a streamed one, in
  --- milliseconds.
  timeout_ms = 60000,
  --- The connection, with name, proxy and greeting, in milliseconds.
  connect_ms = 10000,
  --- From the last byte of the request to the head of the answer, in milliseconds.
  first_byte_ms = 30000,
  --- Between two pieces of a body, in milliseconds.
  read_ms = 30000,
  --- Without any progress in sending, in milliseconds.
  write_ms = 30000,
  --- For "100 Continue", after which the body is sent without it: servers of old never say it.
  expect_ms = 1000,
  --- Bodies from this size on are announced by "Expect: 100-continue", in bytes, as curl does.
  expect_from = MIB,

  --- How long a connection is kept that nobody uses, in milliseconds: less than most servers do.
  idle_ms = 30000,
  --- Taken off what a server says in "Keep-Alive: timeout", in milliseconds: a request is on its
  --- way.
  idle_margin_ms = 1000,
  --- Connections to one origin, and to all together.
  max_connections = 16,
  max_total = 256,
  --- Requests that wait for a connection to one origin.
  max_queue = 1000,

  --- The head of an answer in bytes, its fields, and the bytes of its first line.
  max_head = 64 * KIB,
  max_fields = 128,
  max_line = 16 * KIB,
  --- A collected body, and whatever a compressed one becomes, in bytes: a few can mean gigabytes.
  max_body = 64 * MIB,
  --- Codings of one body.
  max_codings = 3,
  --- Answers of the kind 1xx to one request.
  max_interim = 32,
  --- Redirects that are followed, and the most that may be asked for.
  redirects = 10,
  --- What is read of the body of a redirect, in bytes, so that its connection can be used again.
  discard = 64 * KIB,
  --- How long such a body is waited for, in milliseconds: a new connection is soon made.
  discard_ms = 250,
  --- The longest URL, in bytes.
  max_url = 64 * KIB,

  --- Bytes of a body that are kept while nobody reads; the connection is not read meanwhile.
  read_ahead = 64 * KIB,
  --- The largest piece that is read or written at a time, in bytes.
  piece = 64 * KIB,
  --- While so many bytes wait to be sent, no more are asked of whoever makes them.
  high_water = 256 * KIB,

  --- Cookies of a jar, those of one domain, and the bytes of one: RFC 6265, section 6.1.
  max_cookies = 3000,
  max_cookies_per_domain = 50,
  max_cookie = 4 * KIB,

  --- Pauses between tries of an event source, in milliseconds, and the bytes of one event.
  retry_ms = 3000,
  max_retry_ms = 30000,
  max_event = MIB,
  --- Silence after which an event source takes its connection for dead, in milliseconds.
  silence_ms = 120000,
}
