import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync, existsSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Arrival } from "../../../../proxy/connection/connection-entry.ts";
import { listen, type Listening } from "../../../../proxy/connection/listen.ts";

let folder: string;
const open: Listening[] = [];
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "weir-listen-")); });
afterEach(async () => {
  await Promise.all(open.splice(0).map(async (listening) => listening.close()));
  rmSync(folder, { recursive: true, force: true });
});

async function start(config: Parameters<typeof listen>[0], onSocket: (arrival: Arrival) => void = ({ socket }) => { socket.destroy(); }): Promise<Listening> {
  const listening = await listen(config, 100, onSocket);
  open.push(listening);
  return listening;
}

describe("a Unix listener", () => {
  test("makes its folder and socket for the owner alone, and takes the socket away at the end", async () => {
    const socketPath = join(folder, "run", "weir", "proxy.sock");
    const listening = await start({ socketPath });
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "run", "weir")).mode & 0o777).toBe(0o700);
    await listening.close();
    expect(existsSync(socketPath)).toBe(false);
  });

  test("takes the place of a socket that nobody answers on", async () => {
    const socketPath = join(folder, "proxy.sock");
    const child = spawn(process.execPath, ["-e", `require("node:net").createServer().listen(${JSON.stringify(socketPath)}, () => process.stdout.write("up"))`], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(existsSync(socketPath)).toBe(true);
    expect((await start({ socketPath })).socketPath).toBe(socketPath);
  });

  test("refuses a socket that another process answers on, and says how to mend it", async () => {
    const socketPath = join(folder, "proxy.sock");
    await start({ socketPath });
    await expect(start({ socketPath })).rejects.toMatchObject({ name: "UserError", message: expect.stringContaining("in use"), hint: expect.stringContaining("Another Weir"), exitCode: 78 });
    const client = connect({ path: socketPath });
    await once(client, "connect");
    client.destroy();
  });

  test("never removes what is no socket", async () => {
    const socketPath = join(folder, "precious.txt");
    writeFileSync(socketPath, "data");
    await expect(start({ socketPath })).rejects.toThrow(/is no socket/);
    expect(existsSync(socketPath)).toBe(true);
  });

  test("refuses a folder that others may write in, and a path that the kernel would cut", async () => {
    const shared = join(folder, "shared");
    mkdirSync(shared);
    chmodSync(shared, 0o777);
    await expect(start({ socketPath: join(shared, "proxy.sock") })).rejects.toThrow(/others may write/);
    await expect(start({ socketPath: join(folder, "x".repeat(108)) })).rejects.toThrow(/socket path of/);
  });
});

describe("a TCP listener", () => {
  test("says who the peer is, on IPv4 in one spelling", async () => {
    const { promise, resolve } = Promise.withResolvers<Arrival>();
    const { address } = await start({ address: "[::]:0" }, resolve);
    const client = connect({ host: "127.0.0.1", port: address!.port });
    const { peer, socket } = await promise;
    expect(peer).toEqual({ kind: "tcp", address: "127.0.0.1" });
    socket.destroy();
    client.destroy();
  });

  test("refuses a port in use, and says how to mend it", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const socketPath = join(folder, "proxy.sock");
    await expect(start({ socketPath, address: `127.0.0.1:${port}` })).rejects.toMatchObject({ name: "UserError", message: `cannot listen on 127.0.0.1:${port}: in use` });
    expect(existsSync(socketPath)).toBe(false);
    taken.close();
  });

  test.each(["localhost", ":1", "[::1]", "1.2.3.4:99999", "a:b:1", ""])("refuses %j as an address", async (address) => {
    await expect(start({ address })).rejects.toMatchObject({ name: "UserError" });
  });
});

test("listening nowhere is a mistake", async () => {
  await expect(start({})).rejects.toThrow(/nowhere to listen/);
});
