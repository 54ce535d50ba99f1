// A server for specs: bodies in every coding, echoes, trailers, refusals, cookies, events. It says its
// port first.
const http = require("http");
const zlib = require("zlib");

const text = "hello world ".repeat(20000);

function coded(coding, pack) {
  return (req, res) => {
    res.setHeader("Content-Encoding", coding);
    res.end(pack(text));
  };
}

const pages = {
  "/echo": (req, res) => req.pipe(res),
  "/gzip": coded("gzip", zlib.gzipSync),
  "/deflate": coded("deflate", zlib.deflateSync),
  "/br": coded("br", zlib.brotliCompressSync),
  "/trailers": (req, res) => {
    res.setHeader("Trailer", "X-Sum");
    res.write("a");
    res.addTrailers({ "X-Sum": "7" });
    res.end();
  },
  "/refuse": (req, res) => {
    res.statusCode = 413;
    res.end("no");
    req.resume();
  },
  "/form": (req, res) => {
    const pieces = [];
    req.on("data", (piece) => pieces.push(piece));
    req.on("end", () => {
      const mark = "--" + req.headers["content-type"].split("boundary=")[1];
      res.end(String(Buffer.concat(pieces).toString("latin1").split(mark).length));
    });
  },
  "/cookies": (req, res) => {
    res.setHeader("Set-Cookie", ["a=1; Path=/", "b=2; HttpOnly"]);
    res.end(req.headers.cookie || "none");
  },
  "/events": (req, res) => {
    res.setHeader("Content-Type", "text/event-stream");
    const last = req.headers["last-event-id"] || "";
    res.write(`retry: 1\nid: 1\ndata: first ${last}\n\n`);
    setTimeout(() => res.end(), 5);
  },
};

const server = http.createServer((req, res) => {
  const page = pages[req.url];
  if (page) {
    page(req, res);
  } else {
    res.end(req.method + " " + req.url);
  }
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));
