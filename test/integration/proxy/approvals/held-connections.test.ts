import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Operator } from "../../../support/approval-door.ts";
import { startStand, type Stand } from "../../../support/running-proxy.ts";
import { connectionsOf, eventually, Received } from "../../../support/whole-proxy.ts";

const HOST = "ssh.held.test";
const BANNER = "SSH-2.0-stand\r\n";

let server: Server;
let accepted: Socket[];
let dialled: Socket[];
let stand: Stand;
let operator: Operator;

beforeAll(async () => {
  // As SSH does: the server speaks first.
  server = createServer((socket) => {
    accepted.push(socket);
    socket.on("error", () => {}).on("data", (chunk: Buffer) => { socket.write(chunk); });
    socket.write(BANNER);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => { server.close(); });
beforeEach(async () => {
  accepted = [];
  dialled = [];
  stand = await startStand({
    routes: [{ name: HOST, port: 22, dialPort: (server.address() as AddressInfo).port }],
    config: { connection: { serverFirstWaitMs: 100 } },
    policyData: { hosts: [{ name: HOST, ports: [22], rule: "hosts.ssh", handling: "tunnel", effect: "ask", ask: { reason: "A login to a machine needs a person.", timeout_seconds: 60 } }] },
  });
  operator = new Operator(stand);
});
afterEach(async () => {
  for (const socket of [...accepted, ...dialled]) socket.destroy();
  await stand.stop();
});

const dial = async () => {
  const socket = await stand.dial({ address: await stand.resolve(HOST), port: 22 });
  dialled.push(socket);
  return { socket: socket.on("error", () => {}), received: new Received(socket) };
};

describe("a connection that a person has to allow", () => {
  test("is held before a byte passes, then opened, and on record", async () => {
    const { socket, received } = await dial();
    const question = await operator.question();
    expect(question).toMatchObject({ question: "connection", host: HOST, port: 22, method: null, path: null, rule: "hosts.ssh", scopes: ["once", "thread"] });
    expect(question.details).toEqual([`a connection (opaque) to ${HOST} port 22`]);
    expect([accepted.length, received.text]).toEqual([0, ""]);
    await operator.decide(question.id, { decision: "allow", reason: "maintenance" });
    await eventually("the server's first words", () => received.text === BANNER);
    socket.write("hello");
    await eventually("an answer", () => received.text === `${BANNER}hello`);
    socket.destroy();
    await eventually("the record", () => connectionsOf(stand.records).some(({ host }) => host === HOST));
    expect(connectionsOf(stand.records).find(({ host }) => host === HOST)?.decision).toMatchObject({ allowed: true, approval: { id: question.id, outcome: "allowed", scope: "once", reason: "maintenance" } });
  });

  test("ends with the no, and nothing is dialled", async () => {
    const { received } = await dial();
    await operator.decide((await operator.question()).id, { decision: "deny", reason: "not now" });
    await received.ended.promise;
    expect([accepted.length, received.text]).toEqual([0, ""]);
    await eventually("the record", () => connectionsOf(stand.records).some(({ host }) => host === HOST));
    expect(connectionsOf(stand.records).find(({ host }) => host === HOST)).toMatchObject({ outcome: "denied", error: { code: "approval.denied" }, decision: { allowed: false, approval: { outcome: "denied" } } });
  });

  test("is allowed for the one connection: the next is asked about", async () => {
    const one = await dial();
    await operator.decide((await operator.question()).id, { decision: "allow" });
    await eventually("the server's first words", () => one.received.text === BANNER);
    const two = await dial();
    await operator.question();
    expect(two.received.text).toBe("");
  });

  test("lets go of what was allowed for the thread within a second of its being taken back", async () => {
    const one = await dial();
    await operator.decide((await operator.question()).id, { decision: "allow", scope: "thread" });
    await eventually("the server's first words", () => one.received.text === BANNER);
    const two = await dial();
    await eventually("the server's first words, without a question", () => two.received.text === BANNER);
    const startedMs = performance.now();
    await operator.revoke((await operator.list()).threads[0]?.id ?? "");
    await Promise.all([one.received.ended.promise, two.received.ended.promise]);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  test("takes its question along when the client leaves, as far as it was for the one connection", async () => {
    const { socket } = await dial();
    await operator.question();
    socket.destroy();
    await eventually("that only the thread is left to allow", async () => (await operator.list()).questions[0]?.scopes.join() === "thread");
  });
});
