// node's worker_threads: round trips and one-way messages per second between two threads.
//
//     node mail.js table        a small object; or packet: a Uint8Array of 1 KB

"use strict";

const { Worker, isMainThread, parentPort, workerData } = require("node:worker_threads");

const TRIPS = 50000;
const MESSAGES = 500000;

function report(name, count, begin) {
  const rate = count / (Number(process.hrtime.bigint() - begin) / 1e9);
  console.log(JSON.stringify({ name, count, rate: Math.round(rate) }));
}

if (!isMainThread) {
  parentPort.on("message", (message) => {
    if (message === "stop") {
      parentPort.close();
    } else if (workerData === "echo") {
      parentPort.postMessage(message);
    } else if (message === "answer") {
      parentPort.postMessage("done");
    }
  });
} else {
  const bytes = new Uint8Array(1024).fill(120);
  const isPacket = process.argv[2] === "packet";
  const message = () => (isPacket ? bytes : { id: 12, name: "hello", value: 2.5 });

  const measureTrips = () =>
    new Promise((resolve) => {
      const worker = new Worker(__filename, { workerData: "echo" });
      let begin;
      let trips = 0;
      worker.once("online", () => {
        begin = process.hrtime.bigint();
        worker.postMessage(message());
      });
      worker.on("message", (got) => {
        trips += 1;
        if (trips < TRIPS) {
          worker.postMessage(got);
        } else {
          report("trips", TRIPS, begin);
          worker.postMessage("stop");
        }
      });
      worker.on("exit", resolve);
    });

  const measureWay = () =>
    new Promise((resolve) => {
      const worker = new Worker(__filename, { workerData: "worker" });
      let begin;
      worker.once("online", () => {
        begin = process.hrtime.bigint();
        for (let n = 0; n < MESSAGES; n += 1) {
          worker.postMessage(message());
        }
        worker.postMessage("answer");
      });
      worker.on("message", () => {
        report("way", MESSAGES, begin);
        worker.postMessage("stop");
      });
      worker.on("exit", resolve);
    });

  measureTrips().then(measureWay);
}
