import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { AuditSink, OutgoingRecord } from "../../../../proxy/audit/sinks/audit-sink.ts";
import { httpsSinkConfig } from "../../../../proxy/audit/sinks/https.ts";
import { openSink, type SINKS } from "../../../../proxy/audit/sinks/sinks.ts";
import { syslogSinkConfig } from "../../../../proxy/audit/sinks/syslog.ts";
import { aFolder } from "../../../support/audit-room.ts";
import { NdjsonReceiver } from "../../../support/ndjson-receiver.ts";
import { SyslogReceiver } from "../../../support/syslog-receiver.ts";
import { mintAuthority, type TestAuthority } from "../../../support/tls-authority.ts";

interface Stand {
  readonly sink: AuditSink;
  /** The JSON of each record that the receiver has read. */
  received(): string[];
  /** From now on the receiver takes connections, but reads nothing and does not say yes. */
  fail(isFailing: boolean): void;
}

let authority: TestAuthority;
beforeAll(async () => { authority = await mintAuthority(); });

function aCaFile(): string {
  const path = join(aFolder(), "ca.pem");
  writeFileSync(path, authority.caPem);
  return path;
}

const STANDS: Record<keyof typeof SINKS, () => Promise<Stand>> = {
  https: async () => {
    const receiver = await NdjsonReceiver.start(await authority.leaf(["localhost"]));
    const store = receiver.conduct;
    return {
      sink: openSink(httpsSinkConfig.parse({ type: "https", name: "x", url: receiver.url, caFile: aCaFile() })),
      received: () => receiver.stored,
      fail: (isFailing) => { receiver.conduct = isFailing ? (_request, answer) => { answer.reset(); } : store; },
    };
  },
  syslog: async () => {
    const receiver = await SyslogReceiver.start(await authority.leaf(["localhost"]));
    return {
      sink: openSink(syslogSinkConfig.parse({ type: "syslog", name: "x", host: "localhost", port: receiver.port, caFile: aCaFile(), intervalMs: 0 })),
      received: () => receiver.received.map((message) => message.slice(message.indexOf("{"))),
      fail: (isFailing) => { receiver.isReading = !isFailing; },
    };
  },
};

const someRecords = (count: number, from = 0): OutgoingRecord[] => Array.from({ length: count }, (_, at) =>
  ({ sequence: from + at, uid: `u:${from + at}`, timeMs: 1_767_225_600_000, severityId: 1, json: JSON.stringify({ sequence: from + at, text: "é \\n" }) }));
const forever = () => new AbortController().signal;

describe.each(Object.entries(STANDS))("AuditSink %s", (_name, open) => {
  test("accepts a batch when the receiver has all of it, whole and in order", async () => {
    const { sink, received } = await open();
    const batch = someRecords(50);
    expect(await sink.deliver(batch, forever())).toEqual({ accepted: 50 });
    expect(received()).toEqual(batch.map((record) => record.json));
    await sink.close();
  });

  test("accepts nothing that the receiver did not read, and takes the same batch again", async () => {
    const { sink, received, fail } = await open();
    const batch = someRecords(50);
    fail(true);
    await expect(sink.deliver(batch, forever())).rejects.toThrow(/./);
    expect(received()).toEqual([]);
    fail(false);
    expect(await sink.deliver(batch, forever())).toEqual({ accepted: 50 });
    expect(received()).toEqual(batch.map((record) => record.json));
    await sink.close();
  });

  test("takes one batch after the other", async () => {
    const { sink, received } = await open();
    for (const from of [0, 10, 20]) await sink.deliver(someRecords(10, from), forever());
    expect(received()).toEqual(someRecords(30).map((record) => record.json));
    await sink.close();
  });

  test("delivers a record as long as any", async () => {
    const { sink, received } = await open();
    const json = JSON.stringify({ text: "x".repeat(300_000) });
    await sink.deliver([{ ...someRecords(1)[0]!, json }], forever());
    expect(received()).toEqual([json]);
    await sink.close();
  });

  test("ends its wait when it is told to", async () => {
    const { sink } = await open();
    await expect(sink.deliver(someRecords(1), AbortSignal.abort(new Error("stopping")))).rejects.toThrow("stopping");
    await sink.close();
  });
});
