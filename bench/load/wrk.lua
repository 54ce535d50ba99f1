-- wrk: what it sends, and a last line: requests, microseconds, failed requests.
--
--     wrk ... -s wrk.lua URL -- DEPTH [BYTES]      DEPTH requests at once, BYTES to post

-- luacheck: globals init done wrk

function init(words)
  local depth, bytes = tonumber(words[1]) or 1, tonumber(words[2]) or 0
  if bytes > 0 then
    wrk.method, wrk.body = "POST", ("hello"):rep(bytes / 5 + 1):sub(1, bytes)
  end
  local requests = wrk.format():rep(depth)
  wrk.format = function() -- wrk asks once, and sends what it was told without asking again
    return requests
  end
end

function done(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(("%d %d %d"):format(summary.requests, summary.duration, failed))
end
