import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { IDENTITY_CLAIM } from "../../../common/identity.ts";
import { openBoundary, type Boundary } from "../../../cli/boundary.ts";
import { weirConfig } from "../../../cli/config.ts";
import { openIo } from "../../../cli/io.ts";
import { silentLog } from "../../../common/log.ts";
import { openOperatorDoor } from "../../../proxy/admin/operator-door.ts";
import { openCa } from "../../../proxy/operator.ts";

let folder: string;
let opened: Boundary[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weir-boundary-"));
  opened = [];
});
afterEach(async () => {
  for (const boundary of opened) await boundary.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(options: { agentName?: string; proxySocket?: string; settings?: object } = {}): Promise<Boundary> {
  const config = weirConfig.parse({ stateDirectory: join(folder, "state"), logLevel: "silent", ...options.settings });
  const boundary = await openBoundary({ config, file: null }, openIo({ HOME: folder }),
    { agentName: options.agentName, thread: "t1", proxySocket: options.proxySocket, onRecord: () => {} });
  opened.push(boundary);
  return boundary;
}

const tokenOf = ({ tokenFile }: Boundary) => readFileSync(tokenFile, "utf8");

describe("the boundary of a run", () => {
  test("is a proxy at a socket of this user, and a token that says who runs", async () => {
    const boundary = await open({ agentName: "reviewer" });
    expect(statSync(boundary.socketPath).isSocket()).toBe(true);
    expect(statSync(boundary.tokenFile).mode & 0o077).toBe(0);
    expect(decodeJwt(tokenOf(boundary))[IDENTITY_CLAIM]).toMatchObject({ namespace: "local", name: "reviewer", thread: "t1" });
  });

  test("hides from the agent what would let it speak as someone else or rewrite what was recorded", async () => {
    const { hiddenPaths, tokenFile, socketPath, auditDirectory } = await open();
    const secret = [tokenFile, socketPath, auditDirectory ?? "", ...["ca", "leases", "operator"].map((name) => join(folder, "state", name))];
    expect(secret.filter((path) => !hiddenPaths.some((hidden) => `${path}/`.startsWith(`${hidden}/`)))).toEqual([]);
  });

  test("leaves nothing usable behind: no token, no socket, no key", async () => {
    const { close, runDirectory } = await open();
    await close();
    expect(existsSync(runDirectory)).toBe(false);
  });

  test("at a socket where no proxy answers is none: nothing would say why all is refused", async () => {
    const socket = join(folder, "nobody.sock");
    await expect(open({ proxySocket: socket })).rejects.toMatchObject({ message: `no proxy answers at ${socket}`, exitCode: 69 });
    expect(opened).toEqual([]);
  });

  test("that cannot start leaves nothing behind and says why", async () => {
    await expect(open({ settings: { policy: { directory: join(folder, "no-policy") } } })).rejects.toThrow("no-policy");
    expect(opened).toEqual([]);
  });
});

test("a run that joins a running proxy brings its own identity and trusts that proxy's CA", async () => {
  const first = await open();
  const joined = await open({ proxySocket: first.socketPath });
  expect(joined).toMatchObject({ socketPath: first.socketPath, auditDirectory: null, caPem: (await openCa(join(folder, "state"))).caPem });
  expect(tokenOf(joined)).not.toBe(tokenOf(first));
});

test("a run that joined a proxy orders it, at its end, to take back what it was lent; one with a proxy of its own has no need to", async () => {
  const orders: unknown[] = [];
  const door = await openOperatorDoor(join(folder, "state"), {
    usage: () => ({ threads: [] }),
    revoke: async (what) => {
      orders.push(what);
      return { dropped: 0, isConfirmed: true };
    },
  }, silentLog);
  const own = await open();
  const joined = await open({ proxySocket: own.socketPath });
  const { instance } = decodeJwt(tokenOf(joined))[IDENTITY_CLAIM] as { instance: string };
  await joined.close();
  expect(orders).toEqual([{ instance }]);
  await own.close();
  expect(orders).toHaveLength(1);
  await door?.close();
});
