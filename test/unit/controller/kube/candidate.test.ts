import { describe, expect, test } from "vitest";
import { KubeError } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { Candidate } from "../../../../controller/kube/candidate.ts";
import type { RenewedTerm } from "../../../../controller/kube/term.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";
import { TestClock } from "../../../support/test-clock.ts";

const LEASE = { namespace: "weir", name: "weir-controller" };
const LIMITS = { writesMs: 7_000, workMs: 10_000, doubtMs: 8_000 };
const NEVER = new AbortController().signal;

function stage() {
  const api = new MemoryKubeApi();
  const clock = new TestClock();
  const candidate = (identity: string) => new Candidate(api, { identity, lease: LEASE, leaseDurationMs: 15_000, limits: LIMITS }, clock);
  const lease = async () => (await api.get(TYPES.leases, LEASE))!;
  return { api, clock, candidate, lease };
}

async function won(candidate: Candidate): Promise<RenewedTerm> {
  const term = await candidate.tryToWin(NEVER);
  if (term === null) throw new Error("somebody else leads");
  return term;
}

describe("taking the Lease", () => {
  test("where there is none, the first to ask leads", async () => {
    const { candidate } = stage();
    expect((await won(candidate("one"))).epoch).toBe(0);
    expect(await candidate("two").tryToWin(NEVER)).toBeNull();
  });

  test("of two that see a free Lease at once one gets it", async () => {
    const { candidate } = stage();
    const terms = await Promise.all([candidate("one").tryToWin(NEVER), candidate("two").tryToWin(NEVER)]);
    expect(terms.filter((term) => term !== null)).toHaveLength(1);
  });

  test("another's is waited for, from the last change that was seen, whatever its own clock says", async () => {
    const { candidate, clock, api, lease } = stage();
    const holder = candidate("one");
    const term = await won(holder);
    const other = candidate("two");
    expect(await other.tryToWin(NEVER)).toBeNull();
    clock.advance(14_000);
    await holder.renew(term, NEVER);
    await api.replace(TYPES.leases, { ...await lease(), spec: { ...(await lease())["spec"] as object, renewTime: "1999-01-01T00:00:00.000000Z" } });
    expect(await other.tryToWin(NEVER)).toBeNull();
    clock.advance(14_999);
    expect(await other.tryToWin(NEVER)).toBeNull();
    clock.advance(1);
    expect((await won(other)).epoch).toBe(1);
  });

  test("one that was deleted is waited for, too: its holder may not know", async () => {
    const { candidate, clock, api } = stage();
    await won(candidate("one"));
    const other = candidate("two");
    await other.tryToWin(NEVER);
    await api.remove(TYPES.leases, LEASE);
    expect(await other.tryToWin(NEVER)).toBeNull();
    clock.advance(15_000);
    expect(await other.tryToWin(NEVER)).not.toBeNull();
  });

  test("one that was released is taken at once", async () => {
    const { candidate } = stage();
    const holder = candidate("one");
    const term = await won(holder);
    await holder.release(term, NEVER);
    expect((await won(candidate("two"))).epoch).toBe(1);
  });
});

describe("renewing", () => {
  test("keeps it, and tells when it is another's", async () => {
    const { candidate, clock } = stage();
    const holder = candidate("one");
    const term = await won(holder);
    expect(await holder.renew(term, NEVER)).toEqual({ kind: "renewed" });
    const other = candidate("two");
    await other.tryToWin(NEVER);
    clock.advance(15_000);
    await won(other);
    expect((await holder.renew(term, NEVER)).kind).toBe("unsettled");
    expect(await holder.renew(term, NEVER)).toEqual({ kind: "lost", reason: "held by two" });
  });

  test("is lost with the Lease, and with a later term of the same name", async () => {
    const { candidate, api } = stage();
    const holder = candidate("one");
    const term = await won(holder);
    await won(candidate("one"));
    await holder.renew(term, NEVER);
    expect((await holder.renew(term, NEVER)).kind).toBe("lost");
    await api.remove(TYPES.leases, LEASE);
    expect(await holder.renew(term, NEVER)).toEqual({ kind: "lost", reason: "the Lease was deleted" });
  });

  test("counts from when it was sent, not from when it was answered", async () => {
    const { candidate, clock, api } = stage();
    const holder = candidate("one");
    const term = await won(holder);
    const replace = api.replace.bind(api);
    api.replace = async (...call) => {
      clock.advance(3_000);
      return replace(...call);
    };
    await holder.renew(term, NEVER);
    expect(term.leftMs()).toBe(7_000);
  });

  test("that may or may not have happened is found out by the next", async () => {
    const { candidate, api } = stage();
    const holder = candidate("one");
    const term = await won(holder);
    api.failNext("replace leases", new KubeError(0, "Timeout", "no answer"));
    await expect(holder.renew(term, NEVER)).rejects.toThrow("no answer");
    expect(await holder.renew(term, NEVER)).toEqual({ kind: "renewed" });
  });
});

test("what is not held any more is not released", async () => {
  const { candidate, clock, lease } = stage();
  const holder = candidate("one");
  const term = await won(holder);
  const other = candidate("two");
  await other.tryToWin(NEVER);
  clock.advance(15_000);
  await won(other);
  await holder.release(term, NEVER);
  await holder.release(term, NEVER);
  expect((await lease())["spec"]).toMatchObject({ holderIdentity: "two" });
});
