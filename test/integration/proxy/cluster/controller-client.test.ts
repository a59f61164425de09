import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ControllerClient } from "../../../../proxy/cluster/controller-client.ts";
import { mintAuthority, type TestAuthority } from "../../../support/tls-authority.ts";

interface Heard {
  readonly authorization: string | undefined;
  readonly host: string | undefined;
  readonly path: string | undefined;
  readonly body: string;
}

let authority: TestAuthority;
let stranger: TestAuthority;
let folder: string;
let client: ControllerClient;
let answer: (response: ServerResponse) => void;
const servers: Server[] = [];
const heard: Heard[] = [];
let connections = 0;

beforeAll(async () => { [authority, stranger] = [await mintAuthority(), await mintAuthority()]; });
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weir-client-"));
  writeFileSync(join(folder, "ca.pem"), authority.caPem);
  writeFileSync(join(folder, "token"), "first.token\n");
  client = new ControllerClient({ tokenFile: join(folder, "token"), caFile: join(folder, "ca.pem") });
  answer = (response) => { response.writeHead(204).end(); };
  heard.length = 0;
  connections = 0;
});
afterEach(async () => {
  await client.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

/** @returns where a controller with this certificate listens */
async function aController(of = authority, name = "weir.internal"): Promise<{ readonly address: string; readonly port: number }> {
  const { certPem, keyPem } = await of.leaf([name]);
  const server = createServer({ cert: certPem, key: keyPem }, (request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => { chunks.push(chunk); });
    request.on("end", () => {
      const { authorization, host } = request.headers;
      heard.push({ authorization, host, path: request.url, body: Buffer.concat(chunks).toString() });
      answer(response);
    });
  });
  server.on("secureConnection", () => { connections += 1; });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { address: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

describe("the proxy's own way to the controller", () => {
  test("shows the proxy's token, and the controller's name whatever its address", async () => {
    await client.post(await aController(), "/internal/v1/activity", { instances: [] });
    expect(heard).toEqual([{ authorization: "Bearer first.token", host: "weir.internal", path: "/internal/v1/activity", body: '{"instances":[]}' }]);
  });

  test("shows a renewed token at once, on the connection that there is", async () => {
    const controller = await aController();
    await client.post(controller, "/", {});
    writeFileSync(join(folder, "token"), "second.token");
    await client.post(controller, "/", {});
    expect(heard.map(({ authorization }) => authorization)).toEqual(["Bearer first.token", "Bearer second.token"]);
    expect(connections).toBe(1);
  });

  test("goes to the next controller as soon as it is named", async () => {
    await client.post(await aController(), "/one", {});
    await client.post(await aController(), "/two", {});
    expect(heard.map(({ path }) => path)).toEqual(["/one", "/two"]);
  });

  test.each<[string, () => Promise<{ readonly address: string; readonly port: number }>]>([
    ["of another CA", async () => aController(stranger)],
    ["of another name", async () => aController(authority, "weir.example.test")],
  ])("says nothing to a server %s, not even its token", async (_what, server) => {
    await expect(client.post(await server(), "/", {})).rejects.toThrow(/certificate|altnames/i);
    expect(heard).toEqual([]);
  });

  test("trusts a CA that was renewed, and the old one no longer", async () => {
    const [old, renewed] = [await aController(), await aController(stranger)];
    await client.post(old, "/", {});
    writeFileSync(join(folder, "ca.pem"), stranger.caPem);
    await client.post(renewed, "/", {});
    await expect(client.post(old, "/", {})).rejects.toThrow(/certificate/);
  });

  test.each([[301, "https://elsewhere.test/"], [401, ""], [500, ""]])("fails if the controller answers %i, and goes nowhere else", async (status, location) => {
    answer = (response) => { response.writeHead(status, { location }).end("no"); };
    await expect(client.post(await aController(), "/x", {})).rejects.toThrow(`the controller answered ${status} to POST /x`);
    expect(heard).toHaveLength(1);
  });

  test("does not read an answer without an end", async () => {
    answer = (response) => {
      response.writeHead(200);
      const more = (): void => { while (!response.destroyed && response.write(Buffer.alloc(65_536))); };
      response.on("drain", more);
      more();
    };
    await client.post(await aController(), "/", {}).catch(() => undefined);
    answer = (response) => { response.writeHead(204).end(); };
    await client.post(await aController(), "/", {});
    expect(heard).toHaveLength(2);
  });

  test("fails without a token, and asks nobody", async () => {
    rmSync(join(folder, "token"));
    await expect(client.post(await aController(), "/", {})).rejects.toThrow(/ENOENT/);
    expect(heard).toEqual([]);
  });
});

describe("a question", () => {
  const asking = { path: "/internal/v1/ledger/report", body: "{}", limitBytes: 1_000 };

  test("is answered with what the controller says, refusals too", async () => {
    const to = await aController();
    answer = (response) => { response.writeHead(200, { "content-type": "application/json" }).end("{\"a\":1}"); };
    expect(await client.ask(to, asking)).toEqual({ status: 200, body: "{\"a\":1}" });
    answer = (response) => { response.writeHead(403).end("{}"); };
    expect(await client.ask(to, asking)).toEqual({ status: 403, body: "{}" });
    expect(heard.map(({ path, authorization }) => [path, authorization])).toEqual([[asking.path, "Bearer first.token"], [asking.path, "Bearer first.token"]]);
  });

  test("has no answer if that is too long, or breaks off", async () => {
    const to = await aController();
    answer = (response) => { response.writeHead(200).end("x".repeat(1_001)); };
    await expect(client.ask(to, asking)).rejects.toThrow(/longer than 1000 bytes/);
    answer = (response) => { response.writeHead(200, { "content-length": "10" }).write("x"); response.destroy(); };
    await expect(client.ask(to, asking)).rejects.toThrow(/closed|terminated|aborted|reset/i);
    answer = (response) => { response.writeHead(200).end("x".repeat(1_000)); };
    expect(await client.ask(to, asking)).toMatchObject({ status: 200 });
  });
});
