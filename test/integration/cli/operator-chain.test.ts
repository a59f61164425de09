import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../../common/log.ts";
import { auditConfig } from "../../../proxy/audit/config.ts";
import { openOperatorChain } from "../../../proxy/audit/operator-chain.ts";
import { tailAudit, verifyAudit } from "../../../proxy/operator.ts";

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "weir-operator-")); });
afterEach(() => { rmSync(folder, { recursive: true }); });

const write = async (budget: string) => {
  const chain = await openOperatorChain(auditConfig.parse({}), folder, silentLog);
  await chain.commit({ event: "budget.adjusted", outcome: "succeeded", fields: { budget, by: "ann@host", why: "release" } });
  await chain.close();
};

test("what operators do is one chain, order after order, and whole", async () => {
  await write("a");
  await write("b");
  const { problem } = await verifyAudit(folder);
  expect(problem).toBeNull();
  const budgets: unknown[] = [];
  for await (const { record } of tailAudit(folder, { limit: 20 })) if (record.kind === "lifecycle") budgets.push(record.fields["budget"]);
  expect(budgets.filter((budget) => budget !== undefined)).toEqual(["a", "b"]);
});

test("two at once do not write one chain", async () => {
  const first = await openOperatorChain(auditConfig.parse({}), folder, silentLog);
  await expect(write("a")).rejects.toThrow("already written by process");
  await first.close();
  await write("a");
});
