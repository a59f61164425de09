import { createServer } from "node:http";

/** Plain HTTP on the given port of 127.0.0.1: an event each 10 ms, each carrying the moment it was sent. */
const EVENT_INTERVAL_MS = 10;

createServer((_request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const timer = setInterval(() => { response.write(`data: ${process.hrtime.bigint()}\n\n`); }, EVENT_INTERVAL_MS);
  response.once("close", () => { clearInterval(timer); });
}).listen(Number(process.argv[2]), "127.0.0.1");

process.once("SIGTERM", () => { process.exit(0); });
