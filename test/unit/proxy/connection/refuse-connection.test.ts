import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import type { Progress } from "../../../../proxy/connection/connection-entry.ts";
import { refuseConnection } from "../../../../proxy/connection/refuse-connection.ts";
import { EgressError, ERROR_TABLE, type ErrorCode } from "../../../../proxy/errors.ts";

const CODES = Object.keys(ERROR_TABLE) as ErrorCode[];

/** What the peer reads of a refusal at this point of a connection. */
async function told(code: ErrorCode, reached: Partial<Progress>, firstBytes = ""): Promise<Buffer> {
  const socket = new PassThrough();
  const written: Buffer[] = [];
  const end = socket.end.bind(socket);
  Object.assign(socket, { end: (last: Buffer) => { written.push(last); end(); } });
  socket.pause();
  if (firstBytes !== "") socket.push(Buffer.from(firstBytes, "latin1"));
  const agent = { instance: "i1" };
  const progress = { id: "c1", peer: { kind: "unix" }, agent, socket: socket as unknown as Socket, ...reached } as Progress;
  await refuseConnection(progress, new EgressError(code, "detail"), 10);
  if (!socket.destroyed && written.length === 0) await once(socket, "close");
  return Buffer.concat(written);
}

const TLS = { wire: { kind: "tls", serverName: "api.example.com", alpn: [] } } as const;

describe("a refusal", () => {
  test.each(CODES)("%s on TLS is one fatal alert", async (code) => {
    const alert = await told(code, TLS);
    expect([...alert.subarray(0, 6)]).toEqual([21, 3, 3, 0, 2, 2]);
    expect([40, 49, 50, 112, 120]).toContain(alert[6]);
  });

  test.each<[ErrorCode, number]>([
    ["policy.denied", 49], ["connection.limit", 49], ["budget.exhausted", 49], ["destination.unknown", 112], ["destination.mismatch", 112],
    ["protocol.unsupported", 120], ["tls.malformed", 50], ["policy.unavailable", 40], ["internal", 40], ["draining", 40],
  ])("%s on TLS is alert %i", async (code, description) => {
    expect((await told(code, TLS))[6]).toBe(description);
  });

  test.each(CODES)("%s on plain HTTP is an answer with the table's status and text", async (code) => {
    const answer = (await told(code, { wire: { kind: "http" } }, "GET / HTTP/1.1\r\n")).toString();
    // A failed handshake is TLS whatever the wire was taken for.
    if (code.startsWith("tls.")) return;
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${ERROR_TABLE[code].status} `));
    expect(JSON.parse(body)).toEqual({ error: code, rule: null, reason: ERROR_TABLE[code].says, hint: null, request_id: "c1" });
    expect(answer).not.toContain("detail");
  });

  test("of a HEAD request has no body", async () => {
    expect((await told("policy.denied", { wire: { kind: "http" } }, "HEAD / HTTP/1.1\r\n")).toString()).toMatch(/\r\n\r\n$/);
  });

  test.each<[string, string, RegExp]>([
    ["a startup packet", "\0\0\0\x1d\0\x03\0\0user\0a\0database\0app\0\0", /^E.*C28000\0Mdenied by the boundary: The policy does not allow this\.\0DWeir request c1\.\0\0$/s],
    ["a cancel request", "\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x07\0\0\0\x08", /^$/],
    ["half a packet", "\0\0\0\x1d\0\x03\0\0user", /^$/],
  ])("of a database session answers %s", async (_, bytes, answer) => {
    expect((await told("policy.denied", { wire: { kind: "postgres" } }, bytes)).toString("latin1")).toMatch(answer);
  });

  test("before the wire is known takes its form from what has arrived", async () => {
    expect((await told("connection.limit", {}, "\x16\x03\x01"))[0]).toBe(21);
    expect((await told("connection.limit", {}, "GET / HTTP/1.1\r\n")).toString()).toMatch(/^HTTP\/1.1 503/);
    expect(await told("connection.limit", {}, "SSH-2.0-x\r\n")).toEqual(Buffer.alloc(0));
  });

  test.each<[string, Partial<Progress>]>([
    ["whoever is not identified", { agent: undefined } as unknown as Partial<Progress>],
    ["opaque bytes", { wire: { kind: "opaque" } }],
    ["a tunnel", { ...TLS, handling: "tunnel" }],
  ])("of %s says nothing", async (_what, reached) => {
    expect(await told("policy.denied", reached)).toEqual(Buffer.alloc(0));
  });
});
