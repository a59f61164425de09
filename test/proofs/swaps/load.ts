import { setTimeout as pause } from "node:timers/promises";
import { callbackify } from "node:util";
import { Client, type buildConnector } from "undici";
import type { Stand } from "../../support/running-proxy.ts";
import { HOST } from "./bundles.ts";

const CLIENTS = 8;
/** Of one client, between two requests: the machine shall be busy, not full. */
const PAUSE_MS = 20;

/** HTTP clients that ask without end, each on connections of its own. */
export class Load {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[];
  asked = 0;
  /** What went wrong, in words. */
  readonly failures: string[] = [];

  constructor(stand: Stand) {
    this.#running = Array.from({ length: CLIENTS }, async () => this.#ask(stand));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async #ask(stand: Stand): Promise<void> {
    const open = callbackify(async () => stand.open(HOST));
    const connect: buildConnector.connector = (_options, callback) => {
      open((error: Error | null, socket) => {
        if (error === null) callback(null, socket);
        else callback(error, null);
      });
    };
    const client = new Client(`https://${HOST}`, { connect });
    while (!this.#stop.signal.aborted) {
      this.asked += 1;
      try {
        const { statusCode, body } = await client.request({ method: "GET", path: `/item/${this.asked}` });
        const text = await body.text();
        if (statusCode !== 200) this.failures.push(`${statusCode}: ${text.slice(0, 200)}`);
      } catch (error) {
        this.failures.push(String(error));
      }
      await pause(PAUSE_MS);
    }
    await client.close();
  }
}
