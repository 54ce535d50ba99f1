// What a browser does with chuck's server. Each fact is a line; `window.outcome` is a promise of
// those that fail.
"use strict";

const expect = (is, what) => {
  if (!is) throw new Error(what);
};

const post = (path, body) => fetch(path, { method: "POST", body });

const facts = {
  "the page's style is there": async () => {
    expect(getComputedStyle(document.getElementById("facts")).color === "rgb(1, 2, 3)", "colour");
  },
  "fetch reads JSON": async () => {
    const value = await (await fetch("/json")).json();
    expect(value.name === "chuck" && value.list.length === 3, JSON.stringify(value));
  },
  "fetch reads a stream as it comes": async () => {
    const reader = (await fetch("/large?size=5000000")).body.getReader();
    let size = 0;
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      size += piece.value.length;
    }
    expect(size === 5000000, size);
  },
  "fetch posts text, a form with a file, and parameters": async () => {
    const text = "ä".repeat(50000);
    expect((await (await post("/echo", text)).text()) === text, "text");
    const form = new FormData();
    form.set("plain", "1");
    form.set("file", new Blob(["x".repeat(1000000)]), "ä \"b\".bin");
    expect((await (await post("/multipart", form)).json()).file === 1000000, "file");
    const fields = await (await post("/form", new URLSearchParams({ name: "ä + b" }))).json();
    expect(fields.name === "ä + b", fields.name);
  },
  "a form is posted into a frame": () => new Promise((done, fail) => {
    const frame = document.getElementById("frame");
    frame.onload = () => {
      const shown = frame.contentDocument.querySelector("pre");
      if (!shown) return; // the empty frame of before
      if (JSON.parse(shown.textContent).name === "ä + b") done();
      else fail(new Error(shown.textContent));
    };
    document.getElementById("form").submit();
  }),
  "EventSource hears each event and comes back with the last id": () => new Promise((done, fail) => {
    const source = new EventSource("/events");
    const heard = [];
    source.onmessage = (event) => {
      heard.push(event.lastEventId + event.data);
      if (heard.length === 6) {
        source.close();
        if (heard.join() === "11,22,33,44,55,66") done();
        else fail(new Error(heard.join()));
      }
    };
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) fail(new Error("closed"));
    };
  }),
  "a hundred requests at once are all answered": async () => {
    const all = Array.from({ length: 100 }, async (_, i) =>
      (await (await fetch(`/query?name=${i}`)).text()) === `${i}`);
    expect((await Promise.all(all)).every(Boolean), "one of them was not");
  },
  "cookies come back": async () => {
    await fetch("/cookies");
    expect(document.cookie === "one=1", document.cookie); // the other one is not for scripts
    expect((await (await fetch("/cookies/show")).text()) === "1 and 2", "both");
  },
  "a redirection is followed, and what is missing is 404": async () => {
    const answer = await fetch("/redirect");
    expect(answer.redirected && (await answer.text()) === "hello", answer.url);
    expect((await fetch("/missing")).status === 404, "404");
  },
  "a part of a file is 206, and an unchanged file is not sent again": async () => {
    const part = await fetch("/file", { headers: { Range: "bytes=8-15" } });
    expect(part.status === 206 && (await part.text()) === "00000002", part.status);
    const whole = await fetch("/file", { cache: "no-store" });
    const tag = whole.headers.get("ETag");
    const again = await fetch("/file", { headers: { "If-None-Match": tag }, cache: "no-store" });
    expect(again.status === 304, again.status);
  },
  "an aborted download leaves the others alone": async () => {
    const stop = new AbortController();
    const answer = await fetch("/large?size=100000000", { signal: stop.signal });
    await answer.body.getReader().read();
    stop.abort();
    expect((await (await fetch("/hello")).text()) === "hello", "hello");
  },
  "XMLHttpRequest sees its upload go": () => new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    let most = 0;
    request.upload.onprogress = (event) => { most = event.loaded; };
    request.onload = () => (most === 2000000 && request.response.length === 2000000
      ? done() : fail(new Error(`${most} there, ${request.response.length} back`)));
    request.onerror = () => fail(new Error("no answer"));
    request.open("POST", "/pass");
    request.send("x".repeat(2000000));
  }),
};

const late = (seconds) => new Promise((_, fail) => {
  setTimeout(() => fail(new Error(`not within ${seconds} s`)), seconds * 1000);
});

const check = async () => {
  const told = [];
  for (const [name, fact] of Object.entries(facts)) {
    let line = `ok      ${name}`;
    try {
      await Promise.race([fact(), late(20)]);
    } catch (error) {
      line = `FAILED  ${name}: ${error.message}`;
    }
    told.push(line);
    const item = document.createElement("li");
    item.textContent = line;
    document.getElementById("facts").append(item);
  }
  return told;
};

window.outcome = check();
