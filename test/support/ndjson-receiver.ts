import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import type { PemPair } from "./tls-authority.ts";

/** What the receiver does with one request. `store` is the only one after which it may answer 2xx. */
export type Conduct = (request: { readonly lines: readonly string[]; readonly headers: IncomingMessage["headers"] }, answer: Answer) => Promise<void> | void;

export interface Answer {
  store(): void;
  status(code: number): void;
  /** Cuts the connection by RST. */
  reset(): void;
}

/** A SIEM's HTTPS intake whose conduct the test chooses, request by request; `stored` is what it kept. */
export class NdjsonReceiver {
  readonly stored: string[] = [];
  readonly keys: string[] = [];
  requests = 0;
  conduct: Conduct = (_request, answer) => { answer.store(); answer.status(200); };
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(leaf: PemPair, options: { readonly clientCaPem?: string } = {}): Promise<NdjsonReceiver> {
    const server = createServer({ cert: leaf.certPem, key: leaf.keyPem, ...(options.clientCaPem === undefined ? {} : { ca: options.clientCaPem, requestCert: true }) });
    const receiver = new NdjsonReceiver(server);
    server.on("request", (request, response) => { receiver.#serve(request, response).catch(() => { response.destroy(); }); });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    });
    return receiver;
  }

  get url(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}/intake?source=weir`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    this.keys.push(String(request.headers["idempotency-key"]));
    const lines = (await text(request)).split("\n").filter((line) => line !== "");
    await this.conduct({ lines, headers: request.headers }, {
      store: () => { this.stored.push(...lines); },
      status: (code) => { response.writeHead(code).end("{}"); },
      reset: () => { request.socket.destroy(); response.destroy(); },
    });
  }
}
