import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "../../../common/log.ts";
import { auditConfig } from "../../../proxy/audit/config.ts";
import { openAudit } from "../../../proxy/audit/open-audit.ts";
import { aDeniedExchange } from "../../support/audit-records.ts";
import { weir } from "../../support/cli.ts";
import { TestClock } from "../../support/test-clock.ts";

/** Of cli/commands/audit.ts. Each run has a chain of its own. */
let root: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "weir-tail-"));
  const clock = new TestClock();
  for (const run of ["2026-01-01-first", "2026-01-02-second"]) {
    const log = await openAudit(auditConfig.parse({}), { directory: join(root, run), clock, log: silentLog });
    for (const number of [1, 2]) await log.commit(aDeniedExchange({ exchangeId: `${run}.${number}`, timeMs: clock.nowMs() }));
    await log.close();
    clock.advance(1_000);
  }
});
afterAll(() => { rmSync(root, { recursive: true }); });

const idsOf = (out: string) => out.split("\n").filter((line) => line.includes("denied")).map((line) => line.split(" ").at(-1));

test("refusals of all runs are shown with the ids that can be explained, the newest last, and no more than were asked for", async () => {
  expect(idsOf((await weir(["audit", "tail", root, "--denied", "--all", "--ids", "-n", "3"])).out)).toEqual(["2026-01-01-first.2", "2026-01-02-second.1", "2026-01-02-second.2"]);
});

test("of the last run alone they are shown without --all, and without ids unless asked for", async () => {
  expect(idsOf((await weir(["audit", "tail", root, "--denied", "--ids"])).out)).toEqual(["2026-01-02-second.1", "2026-01-02-second.2"]);
  expect((await weir(["audit", "tail", root, "--denied"])).out).not.toContain("second.1");
});

test("what goes on without end is not read of all chains", async () => {
  const { code, err } = await weir(["audit", "tail", root, "--all", "--follow"]);
  expect([code, err]).toEqual([2, expect.stringContaining("Leave out --all or --follow")]);
});
