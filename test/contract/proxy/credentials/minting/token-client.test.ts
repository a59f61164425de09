import { writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createSecureContext } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SourceError } from "../../../../../proxy/credentials/secret-source.ts";
import { TokenClient } from "../../../../../proxy/credentials/minting/token-client.ts";
import { EgressError } from "../../../../../proxy/errors.ts";
import type { Network } from "../../../../../proxy/model/network.ts";
import { MintStage } from "../../../../support/token-servers/mint-stage.ts";
import { startTokenServer, type TokenServer } from "../../../../support/token-servers/token-server.ts";

const HOST = "tokens.test";
const never = new AbortController().signal;
const CANARY = "canary-5ecret-d0-n0t-pr1nt";

describe("a request for a token", () => {
  let stage: MintStage;
  let server: TokenServer;
  beforeEach(async () => {
    stage = await MintStage.open();
    server = await startTokenServer([HOST], ({ body }) => ({ status: 200, body: { said: body } }));
  });
  afterEach(async () => {
    await server.close();
    await stage.close();
  });

  const send = async (over: { readonly network?: Network; readonly url?: string; readonly caFile?: string; readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}) =>
    new TokenClient(over.network ?? server.network, { timeoutMs: over.timeoutMs ?? 2_000, caFile: over.caFile })
      .send({ method: "POST", url: new URL(over.url ?? `https://${HOST}/token?x=1`), headers: { authorization: CANARY }, body: CANARY }, over.signal ?? never);
  const fault = async (sending: Promise<unknown>) => sending.then(() => { throw new Error("it succeeded"); }, (error: unknown) => error as SourceError);

  test("is answered", async () => {
    expect(await send()).toBe(JSON.stringify({ said: CANARY }));
    expect(server.requests[0]).toMatchObject({ method: "POST", path: "/token?x=1", headers: { host: HOST } });
  });

  test("follows no redirect", async () => {
    server.override = () => ({ status: 307, headers: { location: "https://tokens.test/elsewhere" } });
    expect((await fault(send())).fault).toBe("redirected");
    expect(server.requests).toHaveLength(1);
  });

  test.each([[400, "forbidden"], [401, "forbidden"], [404, "missing"], [422, "forbidden"], [429, "rate-limited"], [500, "down"], [503, "down"]])("that is answered %i is told in our words", async (status, expected) => {
    server.override = ({ body }) => ({ status, body: { error: "denied", error_description: `no: ${body}` } });
    const error = await fault(send());
    expect([error.fault, error.message, error.cause]).toEqual([expected, `${expected}: ${HOST} answered ${status}`, undefined]);
  });

  test("reads no more than it has to", async () => {
    server.override = () => ({ status: 200, body: { padding: "x".repeat(70_000) } });
    expect((await fault(send())).fault).toBe("oversized");
  });

  test("waits no longer than its time, and no longer than who asks", async () => {
    const stuck = Promise.withResolvers<null>();
    server.override = async () => stuck.promise;
    expect((await fault(send({ timeoutMs: 100 }))).fault).toBe("slow");
    const caller = new AbortController();
    const sending = fault(send({ signal: caller.signal }));
    caller.abort();
    expect((await sending).name).toBe("SourceError");
    stuck.resolve(null);
  });

  test("is not sent to whom its certificate does not name, or no trusted CA vouches for", async () => {
    const roots = createSecureContext({});
    expect((await fault(send({ network: { ...server.network, trust: roots } }))).fault).toBe("untrusted");
    const wrongName: Network = { ...server.network, dial: async (_host, port, signal) => server.network.dial(HOST, port, signal) };
    expect((await fault(send({ network: wrongName, url: "https://other.test/token" }))).fault).toBe("untrusted");
    expect(server.requests).toEqual([]);
  });

  test("trusts the CA of its own file and no other", async () => {
    const caFile = stage.path("ca.pem");
    await writeFile(caFile, server.caPem);
    expect(await send({ network: { ...server.network, trust: createSecureContext({}) }, caFile })).toContain("said");
    await writeFile(caFile, "no certificate");
    await expect(send({ caFile })).rejects.toThrow(/no PEM certificate/);
  });

  test("is not sent to a closed address, over http, or where nobody is", async () => {
    const closed: Network = { ...server.network, dial: async () => { throw new EgressError("destination.forbidden", "169.254.169.254 (metadata)"); } };
    expect((await fault(send({ network: closed }))).fault).toBe("forbidden");
    expect((await fault(send({ url: `http://${HOST}/token` }))).fault).toBe("unsafe");
    expect((await fault(send({ url: "https://nobody.test/token" }))).fault).toBe("unreachable");
  });

  test("leaves no connection behind", async () => {
    const sockets: NodeJS.EventEmitter[] = [];
    const network: Network = { ...server.network, dial: async (...asked) => {
      const socket = await server.network.dial(...asked);
      sockets.push(socket);
      return socket;
    } };
    await send({ network });
    const [socket] = sockets as import("node:net").Socket[];
    if (socket?.destroyed === false) await once(socket, "close");
    expect(socket?.destroyed).toBe(true);
  });
});
