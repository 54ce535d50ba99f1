// The server in node that http_peer_spec asks. It says its port and ends with its input.
import http from "node:http";

const text = (response, body, status = 200) => {
  response.writeHead(status, { "Content-Type": "text/plain", "Content-Length": body.length });
  response.end(body);
};

const routes = {
  "/hello": (request, response) => text(response, "hello"),
  "/echo": (request, response) => request.pipe(response),
  "/chunks": async (request, response) => {
    response.setHeader("Trailer", "X-Sum");
    for (let i = 1; i <= 10; i++) {
      response.write(`piece ${i}\n`);
      await new Promise(setImmediate);
    }
    response.addTrailers({ "X-Sum": "55" });
    response.end();
  },
  "/large": (request, response) => text(response, "x".repeat(3000000)),
  "/early": (request, response) => {
    response.writeEarlyHints({ link: "</a.css>; rel=preload; as=style" });
    text(response, "late");
  },
  "/fields": (request, response) => text(response, JSON.stringify(request.headers)),
  "/redirect": (request, response) => {
    response.writeHead(302, { Location: "/hello", "Set-Cookie": "one=1; Path=/" });
    response.end();
  },
  "/short": (request, response) => {
    response.writeHead(200, { "Content-Length": 1000 });
    response.write("half");
    setImmediate(() => response.socket.destroy());
  },
  "/cut": (request, response) => {
    response.write("half");
    setImmediate(() => response.socket.destroy());
  },
  "/until-close": (request, response) => {
    response.socket.end("HTTP/1.0 200 OK\r\n\r\nthe end is the end");
  },
  "/silence": () => {},
  "/upload-refused": (request, response) => {
    response.shouldKeepAlive = false;
    text(response, "too large", 413);
  },
};

const server = http.createServer((request, response) => {
  const answer = routes[request.url.split("?")[0]];
  if (answer) answer(request, response);
  else text(response, "nothing here", 404);
});
server.on("checkContinue", (request, response) => {
  if (request.url !== "/upload-refused") response.writeContinue();
  server.emit("request", request, response);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
