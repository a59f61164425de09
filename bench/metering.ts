import { systemClock } from "../common/clock.ts";
import { meteringConfig } from "../proxy/metering/config.ts";
import { openMetering } from "../proxy/metering/open-metering.ts";
import type { RequestHead } from "../proxy/model/request.ts";

/** CPU time that reading a request to a model takes before it is sent, in microseconds: median over the rounds. */
export interface MeteringResult {
  readonly scenario: string;
  readonly bodyBytes: number;
  readonly recogniseMicros: number;
  readonly readMicros: number;
  /** Limited to what is left: a search over prices, and a body written anew. */
  readonly clampMicros: number;
}

const ROUNDS = 5;
/** Work for each round and body, in bytes, so that rounds take about as long whatever the body. */
const BYTES_PER_ROUND = 100_000_000;
const MOST_PER_ROUND = 5_000;
const PROSE = `He said \\"no\\": a weir does not stop a river,\\nit steers and measures it. `;

/** A conversation of about `bytes` with tools, as agents send it with each turn. */
function conversation(bytes: number): Buffer {
  const turn = (index: number) => `{"role":"${index % 2 === 0 ? "user" : "assistant"}","content":[{"type":"text","text":"${PROSE.repeat(10)}"}]}`;
  const turns = Array.from({ length: Math.max(1, Math.round(bytes / turn(0).length)) }, (_, index) => turn(index));
  return Buffer.from(`{"model":"claude-opus-5","stream":true,"max_tokens":32000,"tools":[{"name":"run","input_schema":{"type":"object"}}],"messages":[${turns.join(",")}]}`);
}

/** Bodies of 2 KB, 100 KB and 2 MB. */
export async function run(sizes: readonly number[] = [2_000, 100_000, 2_000_000]): Promise<MeteringResult[]> {
  const metering = await openMetering(meteringConfig.parse({}), systemClock);
  const head: RequestHead = {
    httpVersion: "1.1", method: "POST", scheme: "https", host: "api.anthropic.com", port: 443, path: "/v1/messages", segments: ["v1", "messages"], query: null,
    headers: [["x-api-key", "sk-ant-api03-dummy"], ["content-type", "application/json"]], framing: { kind: "chunked" }, expectsContinue: false, upgrade: null,
  };
  const found = metering.recognise(head);
  if (found.kind !== "call") throw new Error("the bench's request is no call");
  const results: MeteringResult[] = [];
  for (const size of sizes) {
    const body = conversation(size);
    const count = Math.min(MOST_PER_ROUND, Math.ceil(BYTES_PER_ROUND / body.byteLength));
    const whole = await metering.read(found.call, head, { body, grants: [], take: () => {} });
    const headroom = { usd: (whole.worstCase.usd ?? 0n) - 100_000_000n };
    results.push({
      scenario: `${Math.round(body.byteLength / 1_000)} KB`, bodyBytes: body.byteLength,
      recogniseMicros: await medianMicros(count, () => metering.recognise(head)),
      readMicros: await medianMicros(count, async () => await metering.read(found.call, head, { body, grants: [], take: () => {} })),
      clampMicros: await medianMicros(count, () => whole.clamp(headroom, 1)?.body),
    });
  }
  return results;
}

async function medianMicros(count: number, work: () => unknown): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const before = process.cpuUsage();
    for (let done = 0; done < count; done += 1) await work();
    const { user, system } = process.cpuUsage(before);
    // The first only warms up.
    if (round > 0) rounds.push((user + system) / count);
  }
  return rounds.toSorted((one, other) => one - other)[Math.floor(ROUNDS / 2)] ?? 0;
}

if (import.meta.main) {
  for (const { scenario, recogniseMicros, readMicros, clampMicros } of await run()) {
    const [recognise, read, clamp] = [recogniseMicros, readMicros, clampMicros].map((micros) => micros.toFixed(1));
    process.stdout.write(`${scenario.padEnd(10)} recognise ${recognise} us, read ${read} us, clamp ${clamp} us of CPU\n`);
  }
}
