// node: the work of http.lua.
//
//     node http_node.js [FILE]
"use strict";

const fs = require("fs");
const http = require("http");

const LARGE = "hello".repeat(13108).slice(0, 65536);
const path = process.argv[2];

const text = (res, body) => {
  res.setHeader("Content-Type", "text/plain");
  res.end(body);
};

const answers = {
  "/hello": (req, res) => text(res, "hello"),
  "/large": (req, res) => text(res, LARGE),
  "/file": (req, res) => {
    res.setHeader("Content-Length", fs.statSync(path).size);
    fs.createReadStream(path).pipe(res);
  },
  "/post": (req, res) => {
    let size = 0;
    req.on("data", (piece) => { size += piece.length; });
    req.on("end", () => text(res, String(size)));
  },
};

const server = http.createServer((req, res) => answers[req.url](req, res));
server.keepAliveTimeout = 3600 * 1000;
server.listen(0, "127.0.0.1", 4096, () => console.log(`listening ${server.address().port}`));
