import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** What becomes of requests on the way to the store: they pass, pass late, are answered in its place, or are cut off. */
export type StoreFault = { readonly kind: "none" } | { readonly kind: "late"; readonly byMs: number }
  | { readonly kind: "answer"; readonly status: number; readonly retryAfterSeconds?: number } | { readonly kind: "reset" };

/** A relay in front of a real secret store that makes it slow, busy or unreachable. */
export interface FaultyStore {
  readonly address: string;
  fault: StoreFault;
  /** Requests that came, by path below `/v1/`. */
  readonly asked: string[];
  close(): Promise<void>;
}

export async function startFaultyStore(storeAddress: string): Promise<FaultyStore> {
  const state: { fault: StoreFault; readonly asked: string[] } = { fault: { kind: "none" }, asked: [] };
  const closing = new AbortController();
  const server = createServer((incoming, answer) => {
    state.asked.push((incoming.url ?? "").replace("/v1/", ""));
    pass(incoming, answer, { storeAddress, fault: state.fault, signal: closing.signal }).catch(() => { answer.destroy(); });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(state, {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      closing.abort();
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  });
}

interface Passing {
  readonly storeAddress: string;
  readonly fault: StoreFault;
  readonly signal: AbortSignal;
}

async function pass(incoming: IncomingMessage, answer: ServerResponse, { storeAddress, fault, signal }: Passing): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  if (fault.kind === "reset") return void answer.destroy();
  if (fault.kind === "answer") {
    answer.writeHead(fault.status, fault.retryAfterSeconds === undefined ? {} : { "retry-after": String(fault.retryAfterSeconds) }).end('{"errors":[]}');
    return;
  }
  if (fault.kind === "late") await pause(fault.byMs, undefined, { signal });
  const sent = request(new URL(incoming.url ?? "/", storeAddress), { method: incoming.method ?? "GET", headers: { ...incoming.headers, host: new URL(storeAddress).host }, agent: false, signal });
  sent.end(Buffer.concat(chunks));
  const [came] = await once(sent, "response") as [IncomingMessage];
  answer.writeHead(came.statusCode ?? 502, came.headers);
  for await (const chunk of came as AsyncIterable<Buffer>) answer.write(chunk);
  answer.end();
}
