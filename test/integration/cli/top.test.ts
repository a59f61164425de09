import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { machineUsage } from "../../../cli/top/machine-usage.ts";
import { EXIT } from "../../../common/exit-codes.ts";
import { silentLog } from "../../../common/log.ts";
import type { ThreadUsage } from "../../../common/operator-door.ts";
import { openOperatorDoor, type OperatorDoor } from "../../../proxy/admin/operator-door.ts";
import { weir } from "../../support/cli.ts";

const USED: ThreadUsage = { namespace: "local", agent: "writer", thread: "t1", model: "gpt-x", requests: 2, refusals: 1, tokens: "120", nanoUsd: "9007199254740993", open: 1 };

describe("weir top, of this machine", () => {
  let state: string;
  let door: OperatorDoor | null;
  let calls: number;
  beforeEach(async () => {
    state = mkdtempSync(join(tmpdir(), "weir-top-"));
    writeFileSync(join(state, "weir.yaml"), `stateDirectory: ${state}\n`);
    calls = 0;
    // Each look finds three requests more.
    door = await openOperatorDoor(state, { revoke: async () => ({ dropped: 0, isConfirmed: true }), usage: () => ({ threads: [{ ...USED, requests: 2 + 3 * calls++ }] }) }, silentLog);
  });
  afterEach(async () => {
    await door?.close();
    rmSync(state, { recursive: true });
  });
  const top = async (...args: string[]) => weir(["top", "--once", "-i", "1", "-c", join(state, "weir.yaml"), ...args]);

  test("asks the proxies that run, and shows each thread with how fast it goes", async () => {
    const { code, out } = await top();
    expect(code).toBe(EXIT.ok);
    const [summary, headings, line] = out.split("\n");
    expect(summary).toMatch(/^1 active · [23]\.\d requests\/s/);
    expect(headings).toMatch(/^AGENT +THREAD +REQ\/S/);
    expect(line).toMatch(/^local\/writer +t1 +[23]\.\d +0\.0 +0\.00 +\$9007199\.2548 +120 +5 +1 +1 +gpt-x$/);
  });

  test("keeps money exact", async () => {
    expect(JSON.parse((await top("-o", "json")).out)).toMatchObject({ rows: [{ agent: "local/writer", nanoUsd: "9007199254740993", requests: 5 }], troubles: [] });
    expect((await machineUsage(state)).used).toMatchObject([{ nanoUsd: 9_007_199_254_740_993n }]);
  });

  test("says that nothing runs, where nothing does", async () => {
    await door?.close();
    door = null;
    expect(await top()).toMatchObject({ code: EXIT.unavailable, out: "", err: expect.stringContaining("--cluster") as string });
  });
});
