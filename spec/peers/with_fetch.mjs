// node's fetch against the server of http_peer_spec: with_fetch.mjs URL
import assert from "node:assert/strict";

const base = process.argv[2];
const get = (path, options) => fetch(base + path, options);
const post = (path, body, options) => fetch(base + path, { method: "POST", body, ...options });
const textOf = async (promise) => (await promise).text();

const hello = await get("/hello");
assert.equal(hello.status, 200);
assert.equal(hello.headers.get("content-length"), "5");
assert.equal(await hello.text(), "hello");
assert.equal((await get("/hello", { method: "HEAD" })).headers.get("content-length"), "5");
assert.deepEqual(await (await get("/json")).json(), { name: "chuck", list: [1, 2, 3] });
assert.equal(await textOf(post("/echo", "x".repeat(200000))), "x".repeat(200000));

const upload = new ReadableStream({
  start(controller) {
    for (let i = 0; i < 10; i++) controller.enqueue(new TextEncoder().encode(`${i}`.repeat(10000)));
    controller.close();
  },
});
assert.equal((await textOf(post("/echo", upload, { duplex: "half" }))).length, 100000);

const form = new FormData();
form.set("plain", "1");
form.set("file", new Blob(["x".repeat(100000)]), "ä.txt");
assert.deepEqual(await (await post("/multipart", form)).json(), { plain: 1, file: 100000 });
const fields = await (await post("/form", new URLSearchParams({ name: "ä + b" }))).json();
assert.equal(fields.name, "ä + b");

let size = 0;
for await (const piece of (await get("/large?size=3000000")).body) size += piece.length;
assert.equal(size, 3000000);

const redirected = await get("/redirect");
assert.equal(redirected.redirected && (await redirected.text()), "hello");
assert.equal((await get("/missing")).status, 404);
assert.equal((await get("/boom")).status, 500);
assert.equal((await get("/nothing")).status, 204);

const stop = new AbortController();
const endless = await get("/large?size=50000000", { signal: stop.signal });
await endless.body.getReader().read();
stop.abort();

const many = Array.from({ length: 100 }, (_, i) => textOf(get(`/query?name=${i}`)));
assert.deepEqual(await Promise.all(many), Array.from({ length: 100 }, (_, i) => `${i}`));
console.log("fine");
process.exit(0);
