import { setTimeout as pause } from "node:timers/promises";
import { Client, type ClientConfig } from "pg";
import { describeError } from "../lifecycle.ts";
import type { Log } from "../log.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A connection across which nothing flows may be dead without anybody noticing (NAT, fail-over): it is asked this often. */
const PROBE_INTERVAL_MS = 15_000;

interface Listening {
  readonly channel: string;
  readonly onNotice: (payload: string) => void;
  readonly log: Log;
}

/**
 * Listens on a connection of its own and opens another when that one is lost.
 * @returns a function that ends it, once the first connection listens. @throws Error if that one cannot be opened
 */
export async function listenOn(options: ClientConfig, listening: Listening): Promise<() => Promise<void>> {
  const ending = new AbortController();
  const first = await connect(options, listening);
  const running = keepListening(options, listening, { first, ending: ending.signal });
  return async () => {
    ending.abort();
    await running;
  };
}

async function keepListening(options: ClientConfig, listening: Listening, life: { readonly first: Client; readonly ending: AbortSignal }): Promise<void> {
  let client: Client | null = life.first;
  let pauseMs = FIRST_PAUSE_MS;
  while (!life.ending.aborted) {
    if (client !== null) {
      pauseMs = FIRST_PAUSE_MS;
      await untilLost(client, life.ending);
      if (life.ending.aborted) return;
      listening.log.warn("sql.listening.lost", { channel: listening.channel });
    }
    await pause(pauseMs * (0.5 + Math.random()), undefined, { signal: life.ending }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    if (life.ending.aborted) return;
    client = await connect(options, listening).catch((error: unknown) => {
      listening.log.warn("sql.listening.failed", { channel: listening.channel, error: describeError(error) });
      return null;
    });
  }
  await client?.end().catch(() => undefined);
}

async function connect(options: ClientConfig, { channel, onNotice }: Listening): Promise<Client> {
  const client = new Client({ ...options, keepAlive: true });
  // An error is followed by `end`, which is waited for; without a listener it would end the program.
  client.on("error", () => undefined);
  client.on("notification", ({ payload }) => { if (payload !== undefined) onNotice(payload); });
  try {
    await client.connect();
    await client.query(`listen ${client.escapeIdentifier(channel)}`);
    return client;
  } catch (error) {
    void client.end().catch(() => undefined);
    throw error;
  }
}

/** Resolves when the connection has ended, does not answer a probe, or is not wanted any longer; it is closed then. */
async function untilLost(client: Client, ending: AbortSignal): Promise<void> {
  const lost = new AbortController();
  client.once("end", () => { lost.abort(); });
  const either = AbortSignal.any([lost.signal, ending]);
  while (!either.aborted) {
    await pause(PROBE_INTERVAL_MS, undefined, { signal: either }).catch(() => undefined);
    if (!either.aborted) await client.query("select 1").catch(() => { lost.abort(); });
  }
  await client.end().catch(() => undefined);
}
