// ioredis: the neighbour of chuck.lua in node.
//
//     node ioredis.js ROW PORT COUNT      sequential callers pipeline big messages
"use strict";

const { spawn } = require("node:child_process");

let Redis;
try {
  ({ Redis } = require("ioredis"));
} catch {
  console.log('{"name":"missing","why":"ioredis: not here, try npm ci in bench/"}');
  process.exit(0);
}

const [row, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const [SMALL, BIG, CALLERS, BATCH, WARM] = [16, 1 << 20, 50, 100, 20];
const keys = Array.from({ length: 1000 }, (_, i) => `key:${i}`);

// It puts what concurrent callers ask into one write only when it is told to.
const redis = new Redis({ port, enableAutoPipelining: row === "callers" });

function check(value, size) {
  if (value.length !== size) {
    throw new Error(`not the value, but ${value.length} bytes`);
  }
}

const work = {
  async sequential(count) {
    for (let i = 0; i < count; i++) {
      check(await redis.get(keys[i % keys.length]), SMALL);
    }
  },

  // As bytes, which spares it making text of them.
  async big(count) {
    for (let i = 0; i < count; i++) {
      check(await redis.getBuffer("big"), BIG);
    }
  },

  async callers(count) {
    let left = count;
    async function call() {
      while (left > 0) {
        left -= 1;
        check(await redis.get(keys[left % keys.length]), SMALL);
      }
    }
    await Promise.all(Array.from({ length: CALLERS }, call));
  },

  async pipeline(count) {
    for (let done = 0; done < count; done += BATCH) {
      const pipe = redis.pipeline();
      for (let i = 0; i < BATCH; i++) {
        pipe.get(keys[i]);
      }
      for (const [error, value] of await pipe.exec()) {
        if (error) {
          throw error;
        }
        check(value, SMALL);
      }
    }
  },

  messages(count) {
    return new Promise((resolve) => {
      let left = count;
      redis.on("message", (channel, message) => {
        check(message, SMALL);
        left -= 1;
        if (left === 0) {
          resolve();
        }
      });
      spawn("sh", ["-c", process.env.PUBLISH], { stdio: "ignore" });
    });
  },
};

async function main() {
  await redis.ping();
  if (row === "messages") {
    await redis.subscribe("bench");
  } else {
    await work[row](Math.ceil(count / WARM));
  }
  const [before, begin] = [process.cpuUsage(), process.hrtime.bigint()];
  await work[row](count);
  const used = process.cpuUsage(before);
  const secs = Number(process.hrtime.bigint() - begin) / 1e9;
  console.log(JSON.stringify({ name: "cpu", rate: (used.user + used.system) / count }));
  console.log(JSON.stringify({ name: "rate", rate: Math.round(count / secs) }));
  redis.disconnect();
}

main();
