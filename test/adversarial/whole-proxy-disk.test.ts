import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyAudit } from "../../proxy/audit/verify.ts";
import { startStand, type Stand, type StandOptions } from "../support/running-proxy.ts";
import { mintAuthority, type TestAuthority } from "../support/tls-authority.ts";
import { startUpstream, type UpstreamServer } from "../support/upstream-server.ts";
import { auditText, eventually, exchangesOf } from "../support/whole-proxy.ts";

const HOST = "api.disk.test";

let authority: TestAuthority;
let upstream: UpstreamServer;

beforeAll(async () => {
  authority = await mintAuthority();
  upstream = await startUpstream(await authority.leaf([HOST]));
});

afterAll(async () => { await upstream.close(); });

function options(more: Partial<StandOptions> = {}): StandOptions {
  return { authority, routes: [{ name: HOST, port: 443, dialPort: upstream.port }], policyData: { hosts: [{ name: HOST }] }, ...more };
}

/** One request on a connection that is open already, so that only the request meets the disk. */
async function statusOf(stand: Stand): Promise<number> {
  return stand.ask("GET", `https://${HOST}/`).then(({ status }) => status, () => 0);
}

describe("an audit folder that is taken away under the running proxy", () => {
  test.each([
    ["removed", (folder: string) => { rmSync(folder, { recursive: true }); }],
    ["moved", (folder: string) => { renameSync(folder, `${folder}.moved`); }],
    ["replaced by an empty one", (folder: string) => {
      renameSync(folder, `${folder}.moved`);
      mkdirSync(folder, { mode: 0o700 });
    }],
  ])("%s: no request is sent whose record nobody can find", async (_what, take) => {
    const stand = await startStand(options());
    expect(await statusOf(stand)).toBe(200);
    const before = upstream.requests.length;
    take(join(stand.directory, "audit"));
    expect(await statusOf(stand)).not.toBe(200);
    expect(upstream.requests).toHaveLength(before);
    await stand.stop();
  });

  test("moved and put back: the chain goes on, whole, with a gap that says so", async () => {
    const stand = await startStand(options());
    const folder = join(stand.directory, "audit");
    expect(await statusOf(stand)).toBe(200);
    renameSync(folder, `${folder}.moved`);
    expect(await statusOf(stand)).not.toBe(200);
    renameSync(`${folder}.moved`, folder);
    await eventually("it serves again", async () => await statusOf(stand) === 200, 10_000);
    await stand.stop(true);
    expect(auditText(stand)).toContain("audit.gap");
    expect((await verifyAudit(folder)).problem).toBeNull();
    rmSync(stand.directory, { recursive: true });
  });
});

describe("one chain", () => {
  test("goes on over stop and start, three times", async () => {
    let stand = await startStand(options());
    for (let run = 0; run < 3; run += 1) {
      expect(await statusOf(stand)).toBe(200);
      expect(exchangesOf(stand.records, "decided")).toHaveLength(1);
      await stand.stop(true);
      if (run < 2) stand = await startStand(options({ directory: stand.directory }));
    }
    const report = await verifyAudit(join(stand.directory, "audit"));
    expect(report.problem).toBeNull();
    rmSync(stand.directory, { recursive: true });
  });

  test("has one writer: a second proxy does not start, and leaves nothing behind", async () => {
    const stand = await startStand(options());
    const second = startStand(options({ config: { audit: { directory: join(stand.directory, "audit") } } }));
    await expect(second).rejects.toThrow("is already written by process");
    expect(await statusOf(stand)).toBe(200);
    await stand.stop();
  });
});
