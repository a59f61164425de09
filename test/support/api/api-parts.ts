import { TYPES } from "../../../common/kube/resource-types.ts";
import { openMemoryLedger } from "../../../common/ledger/memory-store.ts";
import { silentLog } from "../../../common/log.ts";
import { AccessRefused, type Access, type Allowed, type Caller, type Instance, type Person, type Question } from "../../../controller/access/access.ts";
import { clusterObjects } from "../../../controller/access/cluster-objects.ts";
import { apiConfig } from "../../../controller/api/config.ts";
import type { ApprovalStore } from "../../../controller/approvals/approval-store.ts";
import type { RouteParts } from "../../../controller/api/context.ts";
import { Waiting } from "../../../controller/api/waiting.ts";
import type { Carving, ChildPlace, Demand, Message, NewMessage, ThreadRow, ThreadStore } from "../../../controller/threads/thread-store.ts";
import { MemoryKubeApi } from "../kube/memory-api.ts";
import { TestClock } from "../test-clock.ts";

export const ALICE: Person = { kind: "person", name: "alice", groups: [], isOfKubernetes: true };

export function anInstance(over: Partial<Instance> = {}): Instance {
  const thread = { uid: "uid of parent", name: "parent", user: "alice", chain: [], grants: null, allowance: null, chainAllowances: [] };
  return { kind: "instance", namespace: "ns", pod: "weir-parent", podUid: "p", node: "n", agent: "runner", container: null, thread, ...over };
}

/** As much of a store as single functions of the API ask for: rows, messages with keys, places of children. */
export class FewThreads {
  readonly rows = new Map<string, ThreadRow>();
  readonly said: Message[] = [];
  readonly keys = new Map<string, Message>();
  readonly queries: unknown[] = [];
  hasPlaces = true;

  async ensureThread(thread: Omit<ThreadRow, "createdAtMs" | "archivedAtMs">, nowMs: number): Promise<ThreadRow> {
    const row = this.rows.get(thread.uid) ?? { ...thread, createdAtMs: nowMs, archivedAtMs: null };
    this.rows.set(thread.uid, row);
    return row;
  }

  async archiveThread(uid: string, nowMs: number): Promise<void> {
    const row = this.rows.get(uid);
    if (row !== undefined) this.rows.set(uid, { ...row, archivedAtMs: nowMs });
  }

  async post(threadUid: string, { sender, isForAgent, body, key }: NewMessage, nowMs: number): Promise<{ message: Message; isNew: boolean }> {
    const known = key === null ? undefined : this.keys.get(`${threadUid} ${key}`);
    if (known !== undefined) return { message: known, isNew: false };
    const seq = this.said.filter((each) => each.threadUid === threadUid).length + 1;
    const message = { id: `${threadUid} ${seq}`, threadUid, seq, sender, isForAgent, body, acceptedAtMs: nowMs, acknowledgedAtMs: null };
    this.said.push(message);
    if (key !== null) this.keys.set(`${threadUid} ${key}`, message);
    return { message, isNew: true };
  }

  async messages(threadUid: string, { afterSeq, limit }: { readonly afterSeq: number; readonly limit: number }): Promise<readonly Message[]> {
    return this.said.filter((each) => each.threadUid === threadUid && each.seq > afterSeq).slice(0, limit);
  }

  async demand(threadUid: string): Promise<Demand> {
    const unread = this.said.filter((each) => each.threadUid === threadUid && each.isForAgent).length;
    return { threadUid, unread, oldestUnreadMs: null, newestUnreadMs: null, lastActivityMs: null };
  }

  async demandsOf(uids: readonly string[]): Promise<ReadonlyMap<string, Demand>> {
    return new Map(await Promise.all(uids.map(async (uid) => [uid, await this.demand(uid)] as const)));
  }

  async listThreads(query: unknown): Promise<readonly ThreadRow[]> {
    this.queries.push(query);
    return [...this.rows.values()];
  }

  async relations(): Promise<readonly []> {
    return [];
  }

  /** What children asked to be given. */
  readonly carvings: (Carving | undefined)[] = [];

  async reserveChild({ allowance }: ChildPlace): Promise<boolean> {
    this.carvings.push(allowance);
    return this.hasPlaces;
  }

  onSignal(): () => void {
    return () => undefined;
  }
}

export interface FewParts extends RouteParts {
  readonly cluster: MemoryKubeApi;
  readonly threads: FewThreads;
  /** What access was asked, in order. */
  readonly asked: { readonly caller: Caller; readonly question: Question }[];
  /** What it answers; throws what it throws. */
  answer: (question: Question) => Allowed;
  addThread(name: string, spec?: object, metadata?: object): Promise<string>;
}

/** The rooms of the API for tests of single functions: a cluster and a store in memory, and access that says what the test wants. */
export function fewParts(): FewParts {
  const cluster = new MemoryKubeApi();
  const threads = new FewThreads();
  const asked: FewParts["asked"] = [];
  const store = threads as unknown as ThreadStore;
  const config = apiConfig.parse({ heartbeatMs: 100, pollIntervalMs: 100 });
  const access: Pick<Access, "require" | "allows" | "subjects"> = {
    require: async (caller, question) => {
      asked.push({ caller, question });
      return parts.answer(question);
    },
    allows: async (_caller, question) => { try { parts.answer(question); return true; } catch { return false; } },
    subjects: (person) => [`user:${person.name}`],
  };
  const clock = new TestClock();
  const parts: FewParts = {
    ledger: openMemoryLedger({ clock }), ledgerOfNode: () => parts.ledger, budgets: { find: () => null, all: () => [] },
    approvals: {} as ApprovalStore,
    cluster, threads, asked, store, kube: cluster, config, access: access as Access, objects: clusterObjects(cluster), clock, log: silentLog,
    waiting: new Waiting(store, config), answer: () => ({ rule: "test", grants: null }),
    addThread: async (name, spec = {}, metadata = {}) => {
      const made = await cluster.create(TYPES.threads, { metadata: { namespace: "ns", name, ...metadata }, spec: { agent: "runner", user: "alice", chain: [], ...spec } });
      return made.metadata.uid ?? "";
    },
  };
  return parts;
}

export function refuse(): never {
  throw new AccessRefused("test.refused", "no", { hint: "do not ask" });
}
