import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { startContender, type Contender, type ContenderWrite } from "../../../support/kube/contender.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";

const environment = readEnvironment();
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, PROGRAMS_OF_LEVEL[1]) : await findKubernetes(environment, PROGRAMS_OF_LEVEL[1]);

const POLL = { timeout: 60_000, interval: 20 };
/** Shorter terms, in the same proportions as the default ones. Much shorter, and a machine that stands still for a second is the test's only result. */
const SETTINGS = { writeTimeoutMs: 2_000, leader: { leaseDurationMs: 6_000, renewDeadlineMs: 4_000, retryPeriodMs: 1_000 } };

describe.skipIf(programs === null)("leader election on a real API server (npm run verify:cluster builds it)", () => {
  let plane: ControlPlane;
  const running = new Set<Contender>();
  beforeAll(async () => { plane = await startControlPlane({ level: 1 }); });
  afterEach(async () => {
    await Promise.all([...running].map(async (contender) => contender.kill()));
    running.clear();
  });
  afterAll(async () => { await plane?.stop(); });

  function contend(namespace: string, identity: string, isFenced = true): Contender {
    const contender = startContender({ kubeconfig: plane.adminKubeconfig, identity, namespace, isFenced, settings: SETTINGS });
    running.add(contender);
    return contender;
  }

  /** Who wrote last, once one of them has written again. */
  async function leaderOf(contenders: readonly Contender[]): Promise<Contender> {
    const before = contenders.map(({ writes }) => writes.length);
    await expect.poll(() => contenders.some(({ writes }, index) => writes.length > before[index]!), POLL).toBe(true);
    return contenders.find(({ writes }, index) => writes.length > before[index]!)!;
  }

  const hasWrittenMore = async (contender: Contender): Promise<void> => {
    const before = contender.writes.length;
    await expect.poll(() => contender.writes.length, POLL).toBeGreaterThan(before);
  };

  /** What the API server took, in the order in which it took it: versions are those of etcd and go up for the whole cluster. */
  async function journalOf(namespace: string): Promise<readonly { readonly identity: string; readonly epoch: number }[]> {
    const { items } = await plane.api.list(TYPES.configMaps, { namespace, labelSelector: `journal=${namespace}` });
    return items.toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
      .map((item) => ({ identity: (item["data"] as { identity: string }).identity, epoch: Number((item["data"] as { epoch: string }).epoch) }));
  }

  /** Entries that came after one of a later term. */
  const lateOnes = (journal: readonly { readonly epoch: number }[]): number => {
    let highest = 0;
    return journal.filter(({ epoch }) => { highest = Math.max(highest, epoch); return epoch < highest; }).length;
  };

  /** First and last beginning of a write in each term. When one ended says nothing: who is frozen meanwhile reads the answer when it wakes up. */
  const spansOf = (writes: readonly ContenderWrite[]): readonly (readonly [epoch: number, fromNs: bigint, toNs: bigint])[] => {
    const spans = new Map<number, [bigint, bigint]>();
    for (const { epoch, beganNs } of writes) {
      const span = spans.get(epoch) ?? [BigInt(beganNs), BigInt(beganNs)];
      spans.set(epoch, [span[0] < BigInt(beganNs) ? span[0] : BigInt(beganNs), span[1] > BigInt(beganNs) ? span[1] : BigInt(beganNs)]);
    }
    return [...spans].map(([epoch, [fromNs, toNs]]) => [epoch, fromNs, toNs] as const).toSorted((a, b) => a[0] - b[0]);
  };

  test("one leads at any time, through kills and through leaders that stand still and wake up again", async () => {
    const namespace = "fenced";
    await plane.createNamespace(namespace);
    const all = [contend(namespace, "c0"), contend(namespace, "c1")];
    let pair: [Contender, Contender] = [all[0]!, all[1]!];
    for (const [round, fate] of ["freeze", "kill", "freeze", "kill", "freeze", "freeze"].entries()) {
      const leader = await leaderOf(pair);
      const other = pair.find((each) => each !== leader)!;
      if (fate === "kill") {
        running.delete(leader);
        await leader.kill();
        await hasWrittenMore(other);
        const fresh = contend(namespace, `c${round + 2}`);
        all.push(fresh);
        pair = [other, fresh];
      } else {
        leader.freeze();
        await hasWrittenMore(other);
        leader.thaw();
        await hasWrittenMore(other);
      }
    }
    await Promise.all(pair.map(async (each) => { running.delete(each); await each.stop(); }));
    const journal = await journalOf(namespace);
    expect(lateOnes(journal)).toBe(0);
    expect(new Set(journal.map(({ epoch }) => epoch)).size).toBeGreaterThanOrEqual(7);
    expect(new Set(journal.map(({ epoch, identity }) => `${epoch} ${identity}`)).size, "a term has one holder").toBe(new Set(journal.map(({ epoch }) => epoch)).size);
    const spans = spansOf(all.flatMap(({ writes }) => writes));
    expect(spans.filter(([, fromNs], index) => index > 0 && fromNs < spans[index - 1]![2])).toEqual([]);
  });

  test("the journal would show it: a leader without the fence writes into the other's term when it wakes up", async () => {
    const namespace = "unfenced";
    await plane.createNamespace(namespace);
    const pair = [contend(namespace, "u0", false), contend(namespace, "u1", false)];
    // What it writes after it wakes up may be what it had sent before it froze; then it is frozen once more.
    for (let round = 0; round < 10 && lateOnes(await journalOf(namespace)) === 0; round += 1) {
      const leader = await leaderOf(pair);
      const other = pair.find((each) => each !== leader)!;
      leader.freeze();
      await hasWrittenMore(other);
      leader.thaw();
      await hasWrittenMore(leader);
    }
    expect(lateOnes(await journalOf(namespace))).toBeGreaterThan(0);
  });

  test("a leader that is stopped lets go: the other need not wait for the end of the lease", async () => {
    const namespace = "released";
    await plane.createNamespace(namespace);
    const pair = [contend(namespace, "r0"), contend(namespace, "r1")];
    const leader = await leaderOf(pair);
    const other = pair.find((each) => each !== leader)!;
    running.delete(leader);
    await leader.stop();
    const lease = await plane.api.get(TYPES.leases, { namespace, name: "weir-controller" });
    expect(["", other.identity]).toContain((lease?.["spec"] as { holderIdentity?: string } | undefined)?.holderIdentity ?? "");
    await hasWrittenMore(other);
    const gapMs = Number(BigInt(other.writes[0]!.beganNs) - BigInt(leader.writes.at(-1)!.endedNs)) / 1e6;
    expect(gapMs).toBeLessThan(SETTINGS.leader.leaseDurationMs);
  });

  test("a leader stops writing when the API server is away, and one leads when it is back", async () => {
    const namespace = "away";
    await plane.createNamespace(namespace);
    const pair = [contend(namespace, "a0"), contend(namespace, "a1")];
    await leaderOf(pair);
    await plane.killApiServer();
    await pause(SETTINGS.leader.leaseDurationMs);
    await plane.startApiServer();
    await leaderOf(pair);
    await Promise.all(pair.map(async (each) => { running.delete(each); await each.stop(); }));
    expect(lateOnes(await journalOf(namespace))).toBe(0);
  });
});
