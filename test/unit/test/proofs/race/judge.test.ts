import { describe, expect, test } from "vitest";
import { judgeEnd, judgeRefusals, judgeSample, type LedgerView, type Sample } from "../../../../proofs/race/judge.ts";

function aView(changes: Partial<LedgerView> = {}): LedgerView {
  return { payer: "org", limit: 1_000n, settled: 600n, estimated: 0n, outstanding: 400n, lost: 0n, ...changes };
}

function aSample(spent: bigint, view: Partial<LedgerView> = {}): Sample {
  return { atMs: 0, spent: new Map([["org", spent]]), ledger: [aView(view)] };
}

describe("the judge of a moment", () => {
  test("takes what is paid to the last nano-dollar of the cap", () => {
    expect(judgeSample(aSample(1_000n))).toEqual([]);
  });

  test("sees one nano-dollar more than the cap by the provider's count, however the ledger looks", () => {
    expect(judgeSample(aSample(1_001n))).toEqual(["org OVERSPENT by 1: 1001 of 1000", "org paid 1001, of which the ledger holds 1000"]);
  });

  test("sees a ledger that promises more than it has", () => {
    expect(judgeSample(aSample(0n, { lost: 1n }))).toEqual(["the ledger promises 1001 of org's 1000"]);
  });

  test("sees money that was spent and is held by nobody, below the cap too", () => {
    expect(judgeSample(aSample(700n, { outstanding: 99n }))).toEqual(["org paid 700, of which the ledger holds 699"]);
  });

  test("sees a budget that the ledger does not know, unless it paid nothing", () => {
    expect(judgeSample({ atMs: 0, spent: new Map([["team/a", 1n]]), ledger: [] })).toHaveLength(1);
    expect(judgeSample({ atMs: 0, spent: new Map([["team/a", 0n]]), ledger: [] })).toEqual([]);
  });
});

describe("the judge of the end", () => {
  test("takes a count that is the provider's, and estimates above it", () => {
    expect(judgeEnd(aSample(600n, { outstanding: 0n }))).toEqual([]);
    expect(judgeEnd(aSample(550n, { outstanding: 0n, estimated: 70n }))).toEqual([]);
  });

  test("sees money that is stuck or lost", () => {
    expect(judgeEnd(aSample(600n, { outstanding: 1n }))).toEqual(["org: 1 are stuck"]);
    expect(judgeEnd(aSample(600n, { outstanding: 0n, lost: 2n }))).toEqual(["org: 2 are stuck"]);
  });

  test("sees a charge below the truth, and one above it that is not marked", () => {
    expect(judgeEnd(aSample(601n, { outstanding: 0n }))).toEqual(["org is charged 600 for 601"]);
    expect(judgeEnd(aSample(599n, { outstanding: 0n }))).toEqual(["org is charged 600 that are no estimates for 599"]);
  });
});

describe("the judge of refusals", () => {
  const ledger = [aView({ outstanding: 0n }), aView({ payer: "team/a", limit: 650n, outstanding: 0n })];

  test("takes one that did not fit into what one of its budgets had left", () => {
    expect(judgeRefusals([{ payers: ["org", "team/a"], heldNano: 51n }], ledger)).toEqual([]);
  });

  test("sees one that would have fit into all", () => {
    expect(judgeRefusals([{ payers: ["org", "team/a"], heldNano: 50n }], ledger)).toEqual(["refused 50, though there is left org: 400, team/a: 50"]);
  });
});
