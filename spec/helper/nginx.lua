--- A real nginx for specs, in one process, which ends with the spec. Only in a task.
---
---     local server = nginx.start([[ location /x { return 200 "x"; } ]])
---     server.port, server.folder          -- files in the folder are served as they are
---     server:Close()                      -- `tasks.own` does it
local chuck = require("chuck")
local program = require("spec.helper.program")
local tasks = require("spec.helper.tasks")

local io = chuck.io

local nginx = {}

--- How often another port is tried: nginx cannot ask for a free one.
local TRIES = 10

local CONFIGURATION = [[
daemon off;
master_process off;
pid %FOLDER%/pid;
error_log %FOLDER%/errors warn;
events { worker_connections 256; }
http {
  access_log off;
  default_type text/plain;
  sendfile on;
  client_body_temp_path %FOLDER%/body;
  proxy_temp_path %FOLDER%/proxy;
  fastcgi_temp_path %FOLDER%/fastcgi;
  uwsgi_temp_path %FOLDER%/uwsgi;
  scgi_temp_path %FOLDER%/scgi;
  %HTTP%
  server {
    listen 127.0.0.1:%PORT%;
    root %FOLDER%/root;
    %SERVER%
  }
}
]]

local Server = {}
Server.__index = Server

--- A path, or `nil` when there is no nginx here. Others than root may not have it in their PATH.
function nginx.path()
  return program.find("nginx") or program.find("/usr/sbin/nginx")
end

--- A port that is free now.
local function free_port()
  local listener = assert(io.listen("127.0.0.1:0", function() end))
  local port = listener:GetSockAddr():match("%d+$")
  listener:Close()
  return port
end

--- Whether it listens, once it does, or has ended without.
local function is_up(self)
  local stream
  tasks.wait("nginx", function()
    stream = io.connect("127.0.0.1:" .. self.port, { timeout_ms = 1000 })
    return stream or self.program:Wait(20)
  end)
  if stream then
    stream:Close()
  end
  return stream ~= nil
end

local function start(folder, lines, http_lines)
  local port = free_port()
  local values = { FOLDER = folder, PORT = port, SERVER = lines, HTTP = http_lines or "" }
  program.write(folder .. "/conf", (CONFIGURATION:gsub("%%(%u+)%%", values)))
  local self = setmetatable({ port = port, folder = folder, program = false }, Server)
  self.program = assert(io.popen(
    program.mortal({
      nginx.path(),
      "-p",
      folder,
      "-c",
      folder .. "/conf",
      "-e",
      folder .. "/errors",
    }),
    { stdin = "null", stdout = "null" }
  ))
  if is_up(self) then
    return self
  end
end

--- Starts one with these lines in its `server`, and in its `http`. What `fill(folder)` writes
--- is served.
function nginx.start(lines, http_lines, fill)
  local folder = program.folder()
  program.shell("mkdir " .. folder .. "/root")
  if fill then
    fill(folder .. "/root")
  end
  for _ = 1, TRIES do
    local self = start(folder, lines, http_lines)
    if self then
      return tasks.own(self)
    end
  end
  error("nginx did not come up; it says:\n" .. program.read(folder .. "/errors"), 2)
end

--- Ends it.
function Server:Close()
  if self.folder then
    self.program:Close(0)
    program.shell("rm -rf " .. self.folder)
    self.folder = nil
  end
end

return nginx
