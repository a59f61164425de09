// The agent of the proof: asks for ever, a new connection each time, and writes down each answer as it comes. Ends when its input ends.
import https from "node:https";

const url = process.argv[2];
let isOver = false;
process.stdin.resume();
process.stdin.on("end", () => { isOver = true; });

const once = () => new Promise((resolve) => {
  const request = https.get(url, { agent: false, timeout: 3_000 }, (answer) => {
    answer.resume();
    answer.on("end", () => { resolve(answer.statusCode === 200 ? "ok" : `status ${answer.statusCode}`); });
    answer.on("error", () => { resolve("cut"); });
  });
  request.on("timeout", () => { request.destroy(); });
  request.on("error", (error) => { resolve(error.code ?? "error"); });
});

while (!isOver) {
  console.log(await once());
  await new Promise((resolve) => { setTimeout(resolve, 20); });
}
