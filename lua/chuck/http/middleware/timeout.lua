--- A limit for how long a request may take, with everything that its handler does and starts.
---
---     app:Use(http.middleware.timeout(5000))
---
--- When it has passed, the handler is cancelled and the client gets 503; when a part of the answer
--- was sent already, the connection ends, so that nobody takes it for the whole.

local check = require("chuck.support.check")
local scope = require("chuck.co.scope")
local status = require("chuck.http.status")

return function(ms)
  check.type("timeout", 1, ms, "milliseconds")
  return function(_, res, next)
    local is_done = false
    local _, _, code = scope.with_deadline(ms, function()
      next()
      is_done = true
    end)
    if not is_done and not res:IsEnded() then
      local late = ("the request takes longer than %g ms"):format(ms)
      error(status.error(503, code == "ETIMEDOUT" and late or "the request was cancelled"), 0)
    end
  end
end
