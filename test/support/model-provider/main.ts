import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { answerPlan } from "./answer-plan.ts";
import { startModelProvider, type ModelProvider } from "./model-provider.ts";

/**
 * The stand-in as a process of its own: `node main.ts --cert FILE --key FILE`. Its first line of output is JSON with the port of the
 * providers and the port of its books; it ends when its standard input does.
 */
const { values } = parseArgs({ options: { cert: { type: "string" }, key: { type: "string" } } });
const provider = await startModelProvider({ certPem: readFileSync(values.cert ?? "", "utf8"), keyPem: readFileSync(values.key ?? "", "utf8") });
const books = createServer((request, answer) => {
  tell(provider, request, answer).catch((error: unknown) => { answer.writeHead(400).end(String(error)); });
});
books.listen(0, "127.0.0.1");
await once(books, "listening");
process.stdout.write(`${JSON.stringify({ port: provider.port, booksPort: (books.address() as AddressInfo).port })}\n`);
process.stdin.resume().once("end", () => { process.exit(0); });

async function tell({ tally }: ModelProvider, request: IncomingMessage, answer: ServerResponse): Promise<void> {
  switch (`${request.method} ${request.url}`) {
    case "GET /sums":
      return say(answer, {
        nanoUsd: tally.nanoUsd, byPayer: Object.fromEntries(tally.byPayer), calls: tally.calls.length,
        open: tally.calls.filter(({ ending }) => ending === "open").length, arrivals: tally.arrivals.length,
      });
    case "GET /calls":
      return say(answer, tally.calls.map((call) => call.snapshot));
    case "GET /arrivals":
      return say(answer, tally.arrivals);
    case "PUT /plan": {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      provider.plan = answerPlan.parse(JSON.parse(Buffer.concat(chunks).toString()));
      return say(answer, {});
    }
    default:
      answer.writeHead(404).end();
  }
}

/** Money as decimal text: JSON numbers are not exact. */
function say(answer: ServerResponse, body: unknown): void {
  answer.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body, (_name, value: unknown) => (typeof value === "bigint" ? String(value) : value)));
}
