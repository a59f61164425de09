// The agent of the proof: sends a given mix of requests, several at a time, over HTTP/1.1 (fetch), and says how each was answered.
import { readFileSync } from "node:fs";

const { concurrency, requests } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const answers = { allowed: 0, denied: 0, unanswered: 0 };
let next = 0;

async function work() {
  while (next < requests.length) {
    const { url, method } = requests[next++];
    try {
      const answer = await fetch(url, { method, body: method === "POST" ? "x" : undefined });
      await answer.arrayBuffer();
      answers[answer.status === 200 ? "allowed" : "denied"] += 1;
    } catch {
      answers.unanswered += 1;
    }
  }
}

await Promise.all(Array.from({ length: concurrency }, work));
console.log(JSON.stringify(answers));
