--- What becomes of an error that a handler has raised: an answer for the client, which learns
--- nothing but an id, and a word to whoever runs the server.

local native = require("chuck.native")
local report = require("chuck.co.report")
local response = require("chuck.http.server.response")
local sched = require("chuck.co.sched")
local status = require("chuck.http.status")

local trouble = {}

--- Tells of an error, with the request that it belongs to.
function trouble.tell(server, task, problem, req)
  if status.is_error(problem) then
    return
  end
  server.errors = server.errors + 1
  local traceback = task.failure.traceback
  if server.on_error then
    local fine, why = pcall(server.on_error, problem, traceback, req or nil)
    if fine then
      return
    end
    report.tell(task, why, "in on_error of a server, which was told of:")
  end
  if req then
    local words = "request %s: %s %s from %s\n%s"
    traceback = words:format(req.id, req.method, req.target, req.remote, traceback)
  end
  report.tell(task, problem, traceback)
end

--- Answers with a status instead of the handler; false when the head was sent, or when what the
--- handler has set cannot be.
function trouble.answer_with(res, number, text, extra)
  local fine, is_sent = pcall(response.answer_instead, res, number, text, extra)
  if not fine then
    report.tell(sched.current(), is_sent, "in the answer instead of one that has failed")
  end
  return fine and is_sent
end

--- Answers an error instead of the handler; false when that is not possible.
function trouble.answer(req, res, problem)
  if status.is_error(problem) then
    return trouble.answer_with(res, problem.status, problem.message, problem.fields or nil)
  end
  local text = "500 " .. native.http.reason(500) .. "\nrequest " .. req.id
  return trouble.answer_with(res, 500, text, { ["X-Request-Id"] = req.id })
end

return trouble
