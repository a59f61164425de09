import { Readable } from "node:stream";
import type { MeterName } from "../../common/meters.ts";
import { exchangeConfig } from "../../proxy/exchange/config.ts";
import { HeldBytes } from "../../proxy/exchange/held-bytes.ts";
import { IdleWatch } from "../../proxy/exchange/idle-watch.ts";
import { ProbeWatch } from "../../proxy/exchange/probe-watch.ts";
import { serveExchange, type ExchangePath } from "../../proxy/exchange/serve-exchange.ts";
import { FakeRooms } from "./exchange.ts";
import { incoming, type FakeAnswer, type Request } from "./exchange-answer.ts";
import { FakeLedger, type FakeHold } from "./fake-ledger.ts";
import { FakeMetering } from "./fake-metering.ts";

/** The exchange path with a made-up model API and a ledger of one budget. */
export class ModelExchange {
  readonly fakes = new FakeRooms();
  readonly metering = new FakeMetering();
  readonly ledger: FakeLedger;
  readonly path: ExchangePath;

  constructor(limits: Partial<Record<MeterName, bigint>> = {}) {
    this.ledger = new FakeLedger(limits);
    Object.assign(this.fakes.rooms, { metering: this.metering, budget: this.ledger });
    this.path = { rooms: this.fakes.rooms, config: exchangeConfig.parse({}), watch: new IdleWatch(() => this.fakes.clock.monotonicMs()), held: new HeldBytes(8_192), probes: new ProbeWatch() };
  }

  /** Begins one exchange. */
  begin(request: Request): { readonly answer: FakeAnswer; readonly done: Promise<unknown> } {
    const one = incoming(request);
    return { answer: one.answer, done: serveExchange(one, this.path) };
  }

  async serve(request: Request): Promise<FakeAnswer> {
    const { answer, done } = this.begin(request);
    await done;
    return answer;
  }

  /** Of the first exchange. */
  get hold(): FakeHold {
    return this.ledger.open[0]!;
  }

  close(): void {
    this.path.watch.close();
  }
}

/** A call of the made-up API. */
export function call(asked: Readonly<Record<string, unknown>> | string, over: Request = {}): Request {
  const text = typeof asked === "string" ? asked : JSON.stringify({ model: "m", ...asked });
  return { method: "POST", target: "/v1/x", fields: [["content-length", String(text.length)], ["accept-encoding", "gzip"]], body: Readable.from([Buffer.from(text)], { objectMode: false }), ...over };
}
