import type { Dispatcher } from "undici";
import { describe, expect, test } from "vitest";
import { EgressError } from "../../../../proxy/errors.ts";
import { ExchangeHandler } from "../../../../proxy/upstream/exchange-handler.ts";
import type { UpstreamRequest } from "../../../../proxy/upstream/upstream.ts";
import { aHead, RecordingSink } from "../../../support/upstream-sink.ts";

/** undici's side of an exchange, written down. */
class Controls implements Dispatcher.DispatchController {
  readonly calls: string[] = [];
  aborted = false;
  paused = false;
  reason: Error | null = null;
  rawHeaders: Buffer[] = [];
  rawTrailers: Buffer[] = [];

  abort(reason: Error): void {
    this.aborted = true;
    this.reason = reason;
    this.calls.push("abort");
  }

  pause(): void { this.calls.push("pause"); }
  resume(): void { this.calls.push("resume"); }
}

function underWay(): { readonly handler: ExchangeHandler; readonly sink: RecordingSink; readonly controls: Controls; readonly ended: () => number } {
  let endings = 0;
  const request: UpstreamRequest = { instance: "one", head: aHead(), body: null, clientCertificate: null, signal: new AbortController().signal };
  const sink = new RecordingSink();
  const controls = new Controls();
  const handler = new ExchangeHandler(request, sink, () => { endings += 1; });
  handler.start(() => { handler.onRequestStart(controls); });
  return { handler, sink, controls, ended: () => endings };
}

const settled = async (): Promise<void> => { await Promise.resolve(); await Promise.resolve(); };

describe("what undici delivers although it was told to pause", () => {
  test("is held, its end too, until the owner resumes", async () => {
    const { handler, sink, controls, ended } = underWay();
    sink.wantsMore = false;
    handler.onResponseStart(controls, 200);
    handler.onResponseData(controls, Buffer.from("first "));
    handler.onResponseData(controls, Buffer.from("second "));
    handler.onResponseData(controls, Buffer.from("third"));
    handler.onResponseEnd(controls);
    expect([sink.events, sink.text, controls.calls, ended()]).toEqual([["head", "data"], "first ", ["pause"], 0]);
    handler.resume();
    await settled();
    expect([sink.text, sink.events]).toEqual(["first second ", ["head", "data"]]);
    sink.wantsMore = true;
    handler.resume();
    await settled();
    expect([sink.text, sink.events, ended()]).toEqual(["first second third", ["head", "data", "end"], 1]);
  });

  test("is held before a failure too", async () => {
    const { handler, sink, controls } = underWay();
    sink.wantsMore = false;
    handler.onResponseStart(controls, 200);
    handler.onResponseData(controls, Buffer.from("first"));
    handler.onResponseError(controls, Object.assign(new Error("reset"), { code: "ECONNRESET" }));
    expect(sink.events).toEqual(["head", "data"]);
    handler.resume();
    await settled();
    expect(sink.events).toEqual(["head", "data", "failure upstream.aborted"]);
  });

  test("is forgotten when the owner gives up", async () => {
    const { handler, sink, controls, ended } = underWay();
    sink.wantsMore = false;
    handler.onResponseStart(controls, 200);
    handler.onResponseData(controls, Buffer.from("first"));
    handler.onResponseData(controls, Buffer.from("second"));
    handler.abort(new EgressError("relay.aborted", "gone"));
    handler.resume();
    await settled();
    expect([sink.events, controls.calls, ended()]).toEqual([["head", "data"], ["pause", "abort"], 1]);
  });
});

test("an exchange that was given up before its turn takes its connection down when the turn comes", () => {
  const request: UpstreamRequest = { instance: "one", head: aHead(), body: null, clientCertificate: null, signal: new AbortController().signal };
  const sink = new RecordingSink();
  const handler = new ExchangeHandler(request, sink, () => { /* not of interest */ });
  handler.start(() => { /* waits for a connection */ });
  handler.abort(new EgressError("relay.aborted", "gone"));
  const controls = new Controls();
  handler.onRequestStart(controls);
  expect([controls.calls, sink.events]).toEqual([["abort"], []]);
});

test("a sink that throws fails its own exchange, not the process", () => {
  const { handler, sink, controls } = underWay();
  sink.onHead = () => { throw new TypeError("a fault of the owner"); };
  handler.onResponseStart(controls, 200);
  expect([sink.failure?.code, controls.calls]).toEqual(["internal", ["abort"]]);
});
