"""nginx: the work of http.lua, in one process.

    python3 nginx.py FOLDER [FILE]      FOLDER takes what nginx writes

nginx cannot ask the kernel for a port: it is given one that was free a moment ago, and said to
listen a moment before it does.
"""

import os
import shutil
import socket
import sys
from pathlib import Path

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr error;
events {{ worker_connections 20100; }}
http {{
  access_log off;
  default_type text/plain;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  sendfile on;
  tcp_nopush on;
  client_max_body_size 16m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /hello {{ return 200 "hello"; }}
    location = /large {{ alias {folder}/large; }}
    location = /file {{ alias {file}; }}
  }}
}}
"""


def main():
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "large").write_text(("hello" * 13108)[:65536])
    file = sys.argv[2] if len(sys.argv) > 2 else folder / "large"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, file=file))
    print("listening", port, flush=True)
    program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin") or "nginx"
    os.execvp(program, ["nginx", "-p", str(folder), "-c", str(configuration)])


main()
