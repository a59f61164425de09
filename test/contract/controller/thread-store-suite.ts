import { randomUUID } from "node:crypto";
import { beforeAll, afterAll, describe, expect, test } from "vitest";
import { AllowanceTaken, BODY_LIMIT_BYTES, MessageUnfit, MessageUnknown, RELATION_LIMIT, ThreadGone, TooManyRelations, type NewMessage, type ThreadStore } from "../../../controller/threads/thread-store.ts";

const NOW_MS = Date.UTC(2026, 0, 1);

export function aMessage(over: Partial<NewMessage> = {}): NewMessage {
  return { sender: { role: "user", name: "alice" }, isForAgent: true, body: "hello", key: null, ...over };
}

/** The same promises for each driver. Every test has threads of its own, so that all can share one database. */
export function describeThreadStore(name: string, open: () => Promise<ThreadStore>): void {
  describe(`thread store over ${name}`, () => {
    let store: ThreadStore;
    beforeAll(async () => { store = await open(); });
    afterAll(async () => { await store?.close(); });

    const aThread = async (over: Partial<Parameters<ThreadStore["ensureThread"]>[0]> = {}, nowMs = NOW_MS) => {
      const id = randomUUID();
      return store.ensureThread({ uid: id, namespace: `ns-${id.slice(0, 8)}`, name: `t-${id.slice(0, 8)}`, agent: "reviewer", owner: "alice", parentUid: null, ...over }, nowMs);
    };

    test("a thread is made once, and its first owner stays", async () => {
      const thread = await aThread();
      const again = await store.ensureThread({ ...thread, owner: "mallory" }, NOW_MS + 5);
      expect(again).toEqual(thread);
      expect(await store.relations("thread", thread.uid)).toEqual([{ objectKind: "thread", object: thread.uid, relation: "owner", subject: "user:alice" }]);
      expect(await store.thread(randomUUID())).toBeNull();
    });

    test("fifty that make the same thread at once make one", async () => {
      const uid = randomUUID();
      const made = await Promise.all(Array.from({ length: 50 }, async (_, index) =>
        store.ensureThread({ uid, namespace: "crowd", name: uid, agent: "a", owner: `user-${index}`, parentUid: null }, NOW_MS + index)));
      expect(new Set(made.map(({ owner }) => owner)).size).toBe(1);
    });

    test("a name that is used again belongs to the thread made last, and the row of the old resource is archived", async () => {
      const old = await aThread();
      const next = await aThread({ namespace: old.namespace, name: old.name }, NOW_MS + 1);
      expect(await store.threadByName(old.namespace, old.name)).toEqual(next);
      expect((await store.thread(old.uid))?.archivedAtMs).toBe(NOW_MS + 1);
      await expect(store.post(old.uid, aMessage(), NOW_MS)).rejects.toBeInstanceOf(ThreadGone);
    });

    test("messages are numbered from 1 without gaps, in the order in which they were taken, also when many post at once", async () => {
      const { uid } = await aThread();
      const posted = await Promise.all(Array.from({ length: 60 }, async (_, index) => store.post(uid, aMessage({ body: `m${index}` }), NOW_MS + index)));
      const listed = await store.messages(uid, { afterSeq: 0, limit: 100 });
      expect(listed.map(({ seq }) => seq)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
      expect(new Set(posted.map(({ message }) => message.id)).size).toBe(60);
      expect(await store.messages(uid, { afterSeq: 58, limit: 100 })).toHaveLength(2);
      expect(await store.messages(uid, { afterSeq: 0, limit: 2 })).toHaveLength(2);
    });

    test("the same key is the same message, whatever its body, also at once and without a gap", async () => {
      const { uid } = await aThread();
      const posted = await Promise.all(Array.from({ length: 30 }, async (_, index) => store.post(uid, aMessage({ key: "k", body: `body ${index}` }), NOW_MS)));
      expect(posted.filter(({ isNew }) => isNew)).toHaveLength(1);
      expect(new Set(posted.map(({ message }) => message.id)).size).toBe(1);
      expect((await store.post(uid, aMessage({ key: "other" }), NOW_MS)).message.seq).toBe(2);
      const elsewhere = await aThread();
      expect((await store.post(elsewhere.uid, aMessage({ key: "k" }), NOW_MS)).isNew).toBe(true);
    });

    test("a body of 256 KiB is taken, one byte more is not, and neither is what is no text", async () => {
      const { uid } = await aThread();
      const largest = "é".repeat(BODY_LIMIT_BYTES / 2);
      await store.post(uid, aMessage({ body: largest }), NOW_MS);
      expect((await store.messages(uid, { afterSeq: 0, limit: 1 }))[0]?.body).toBe(largest);
      for (const body of [`${largest}x`, "a\0b", "\ud800"]) await expect(store.post(uid, aMessage({ body }), NOW_MS)).rejects.toBeInstanceOf(MessageUnfit);
    });

    test("what is pending comes oldest first until it is acknowledged; what is not for the agent never does", async () => {
      const { uid } = await aThread();
      const { message: first } = await store.post(uid, aMessage({ body: "1" }), NOW_MS);
      await store.post(uid, aMessage({ isForAgent: false, sender: { role: "agent", name: "reviewer" }, body: "answer" }), NOW_MS);
      const { message: second } = await store.post(uid, aMessage({ body: "2" }), NOW_MS);
      const { message: third } = await store.post(uid, aMessage({ body: "3" }), NOW_MS);
      expect((await store.pending(uid, 10)).map(({ body }) => body)).toEqual(["1", "2", "3"]);
      expect(await store.acknowledge(uid, second.id, NOW_MS + 7)).toBe(2);
      expect(await store.acknowledge(uid, second.id, NOW_MS + 9)).toBe(0);
      expect((await store.pending(uid, 10)).map(({ id }) => id)).toEqual([third.id]);
      const listed = await store.messages(uid, { afterSeq: 0, limit: 10 });
      expect(listed.map(({ acknowledgedAtMs }) => acknowledgedAtMs)).toEqual([NOW_MS + 7, null, NOW_MS + 7, null]);
      expect(listed[0]?.id).toBe(first.id);
    });

    test("a message of another thread, or one that is not for the agent, cannot be acknowledged", async () => {
      const { uid } = await aThread();
      const other = await aThread();
      const { message } = await store.post(other.uid, aMessage(), NOW_MS);
      const { message: answer } = await store.post(uid, aMessage({ isForAgent: false }), NOW_MS);
      for (const id of [message.id, answer.id, "nothing"]) await expect(store.acknowledge(uid, id, NOW_MS)).rejects.toBeInstanceOf(MessageUnknown);
      expect(await store.pending(other.uid, 10)).toHaveLength(1);
    });

    test("demand counts what is unread, knows the oldest and the newest of it, and leaves archived threads out", async () => {
      const idle = await aThread();
      const busy = await aThread();
      const gone = await aThread();
      await store.post(busy.uid, aMessage(), NOW_MS + 1);
      await store.post(busy.uid, aMessage(), NOW_MS + 2);
      await store.archiveThread(gone.uid, NOW_MS);
      expect(await store.demand(busy.uid)).toEqual({ threadUid: busy.uid, unread: 2, oldestUnreadMs: NOW_MS + 1, newestUnreadMs: NOW_MS + 2, lastActivityMs: NOW_MS + 2 });
      const all = await store.demands();
      expect(all.get(busy.uid)).toEqual(await store.demand(busy.uid));
      expect(all.get(idle.uid)).toEqual({ threadUid: idle.uid, unread: 0, oldestUnreadMs: null, newestUnreadMs: null, lastActivityMs: null });
      expect(all.has(gone.uid)).toBe(false);
      expect(await store.demandsOf([busy.uid, gone.uid, "nobody"])).toEqual(new Map([[busy.uid, await store.demand(busy.uid)], [gone.uid, await store.demand(gone.uid)]]));
      expect(await store.demandsOf([])).toEqual(new Map());
    });

    test("activity never moves backwards", async () => {
      const { uid } = await aThread();
      await store.noteActivity(new Map([[uid, NOW_MS + 10.7], ["nobody", NOW_MS]]));
      await store.noteActivity(new Map([[uid, NOW_MS + 5]]));
      await store.noteActivity(new Map());
      expect((await store.demand(uid)).lastActivityMs).toBe(NOW_MS + 10);
    });

    test("failed starts count up, and anew when the spec changes", async () => {
      const { uid } = await aThread();
      expect(await store.startAttempts(uid)).toBeNull();
      await store.noteFailedStart(uid, { reason: "ImagePullBackOff", fingerprint: "a" }, NOW_MS);
      expect(await store.noteFailedStart(uid, { reason: "again", fingerprint: "a" }, NOW_MS + 1)).toEqual({ failures: 2, lastFailureMs: NOW_MS + 1, reason: "again", fingerprint: "a" });
      expect(await store.noteFailedStart(uid, { reason: "other", fingerprint: "b" }, NOW_MS + 2)).toMatchObject({ failures: 1, fingerprint: "b" });
      await store.clearStarts(uid);
      expect(await store.startAttempts(uid)).toBeNull();
      await expect(store.noteFailedStart("nobody", { reason: "x", fingerprint: "a" }, NOW_MS)).rejects.toBeInstanceOf(ThreadGone);
    });

    test("relations come and go, and have a limit", async () => {
      const { uid } = await aThread();
      const bob = { objectKind: "thread", object: uid, relation: "participant", subject: "user:bob" } as const;
      await store.relate(bob);
      await store.relate(bob);
      expect(await store.relations("thread", uid)).toHaveLength(2);
      expect(await store.unrelate(bob)).toBe(true);
      expect(await store.unrelate(bob)).toBe(false);
      const agent = `ns/${randomUUID()}`;
      for (let index = 0; index < RELATION_LIMIT; index += 1) await store.relate({ objectKind: "agent", object: agent, relation: "participant", subject: `user:${index}` });
      await expect(store.relate({ objectKind: "agent", object: agent, relation: "participant", subject: "user:more" })).rejects.toBeInstanceOf(TooManyRelations);
      const both = await store.relationsOf("agent", [agent, "ns/nothing"]);
      expect([both.get(agent)?.length, both.get("ns/nothing")]).toEqual([RELATION_LIMIT, []]);
    });

    test("a list shows what the subjects relate to, or whose agent they own or maintain, and nothing else", async () => {
      const mine = await aThread({}, NOW_MS + 2);
      const shared = await aThread({ namespace: mine.namespace, owner: "bob" }, NOW_MS + 1);
      const theirs = await aThread({ namespace: mine.namespace, owner: "carol", agent: "writer" }, NOW_MS);
      await store.relate({ objectKind: "thread", object: shared.uid, relation: "participant", subject: "group:team" });
      const names = async (visibleTo: readonly string[] | null) => (await store.listThreads({ visibleTo, namespace: mine.namespace, limit: 10 })).map(({ uid }) => uid);
      expect(await names(["user:alice", "group:team"])).toEqual([mine.uid, shared.uid]);
      expect(await names(["user:nobody"])).toEqual([]);
      expect(await names([])).toEqual([]);
      expect(await names(null)).toEqual([mine.uid, shared.uid, theirs.uid]);
      await store.relate({ objectKind: "agent", object: `${mine.namespace}/writer`, relation: "participant", subject: "user:dave" });
      expect(await names(["user:dave"])).toEqual([]);
      await store.relate({ objectKind: "agent", object: `${mine.namespace}/writer`, relation: "maintainer", subject: "user:dave" });
      expect(await names(["user:dave"])).toEqual([theirs.uid]);
    });

    test("pages of a list lose nothing, not even threads of the same millisecond", async () => {
      const namespace = `pages-${randomUUID()}`;
      const made = await Promise.all(Array.from({ length: 7 }, async () => aThread({ namespace })));
      const seen: string[] = [];
      for (let after: { createdAtMs: number; uid: string } | undefined; ;) {
        const page = await store.listThreads({ visibleTo: null, namespace, limit: 3, ...(after === undefined ? {} : { after }) });
        seen.push(...page.map(({ uid }) => uid));
        after = page.at(-1);
        if (page.length < 3) break;
      }
      expect(seen.toSorted()).toEqual(made.map(({ uid }) => uid).toSorted());
      expect(seen).toHaveLength(7);
    });

    test("among those who reserve a child at once, as many as the limit says get a place, and a name keeps its own", async () => {
      const { uid: parentUid } = await aThread();
      const answers = await Promise.all(Array.from({ length: 20 }, async (_, index) => store.reserveChild({ parentUid, name: `c${index}`, agent: "n", limit: 3 }, NOW_MS)));
      expect(answers.filter(Boolean)).toHaveLength(3);
      const first = `c${answers.indexOf(true)}`;
      expect(await store.reserveChild({ parentUid, name: first, agent: "n", limit: 3 }, NOW_MS)).toBe(true);
      const child = await aThread({ parentUid, name: first, agent: "n" });
      expect(await store.reserveChild({ parentUid, name: "late", agent: "n", limit: 3 }, NOW_MS)).toBe(false);
      expect(await store.reserveChild({ parentUid, name: "late", agent: "other", limit: 3 }, NOW_MS)).toBe(true);
      // The two places that nobody took have lapsed; the child that exists has not.
      expect(await store.reserveChild({ parentUid, name: "later", agent: "n", limit: 2 }, NOW_MS + 61_000)).toBe(true);
      expect([await store.countChildren(parentUid), await store.countChildren(parentUid, "n"), await store.countChildren(parentUid, "x")]).toEqual([1, 1, 0]);
      expect(await store.children(parentUid)).toEqual([child]);
      await store.archiveThread(child.uid, NOW_MS);
      expect(await store.children(parentUid)).toEqual([]);
      await expect(store.reserveChild({ parentUid: "nobody", name: "x", agent: "n", limit: 3 }, NOW_MS)).rejects.toBeInstanceOf(ThreadGone);
    });

    test("children that are given something at once get together no more than their parent has; what ended or was never made gives it back", async () => {
      const { uid: parentUid } = await aThread();
      const give = async (child: string, usd: bigint, nowMs = NOW_MS, left = 9n) =>
        store.reserveChild({ parentUid, name: child, agent: "n", limit: 100, allowance: { wanted: { usd }, most: { usd: 10n, tokens: 1n }, left: { usd: left } } }, nowMs);
      const answers = await Promise.allSettled(Array.from({ length: 12 }, async (_, index) => give(`c${index}`, 4n)));
      const taken = answers.flatMap(({ status }, index) => (status === "fulfilled" ? [`c${index}`] : []));
      expect(taken).toHaveLength(2);
      const refusals = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason as unknown] : []));
      for (const refusal of refusals) expect(refusal).toBeInstanceOf(AllowanceTaken);
      const [made, never] = [await aThread({ parentUid, name: taken[0] ?? "" }), taken[1] ?? ""];
      // Asking again for the same is no second gift.
      expect(await give(made.name, 4n)).toBe(true);
      await expect(give("more", 3n)).rejects.toThrow(/can still give away \$0\.000000002, and \$0\.000000003 was asked for/);
      expect(await give(never, 6n, NOW_MS + 61_000)).toBe(true);
      await store.archiveThread(made.uid, NOW_MS);
      expect(await give("next", 4n, NOW_MS + 61_000)).toBe(true);
      await expect(give("spent", 1n, NOW_MS + 200_000, 0n)).rejects.toBeInstanceOf(AllowanceTaken);
      expect(await store.reserveChild({ parentUid, name: "free", agent: "n", limit: 100, allowance: { wanted: { requests: 5n }, most: { usd: 10n }, left: {} } }, NOW_MS)).toBe(true);
    });

    test("rows of none of some threads are found oldest first, archived ones too, but none that was just made", async () => {
      const [known, stray, archived] = [await aThread(), await aThread(), await aThread()];
      await store.archiveThread(archived.uid, NOW_MS);
      const others = async (createdBeforeMs: number, limit = 1_000) => (await store.threadsOtherThan([known.uid], { createdBeforeMs, limit })).map(({ uid }) => uid);
      expect(await others(NOW_MS + 1)).toEqual(expect.arrayContaining([stray.uid, archived.uid]));
      expect(await others(NOW_MS + 1)).not.toContain(known.uid);
      expect(await others(NOW_MS)).not.toContain(stray.uid);
      expect(await others(NOW_MS + 1, 1)).toHaveLength(1);
    });

    test("a thread that is forgotten leaves nothing", async () => {
      const { uid } = await aThread();
      await store.post(uid, aMessage(), NOW_MS);
      await store.noteFailedStart(uid, { reason: "x", fingerprint: "a" }, NOW_MS);
      await store.forgetThread(uid);
      expect(await store.thread(uid)).toBeNull();
      expect(await store.messages(uid, { afterSeq: 0, limit: 10 })).toEqual([]);
      expect(await store.relations("thread", uid)).toEqual([]);
      expect(await store.startAttempts(uid)).toBeNull();
    });

    test("a signal follows a post, an acknowledgement and an archived thread, and none a post that was refused or repeated", async () => {
      const uid = randomUUID();
      const heard: string[] = [];
      const stop = store.onSignal((threadUid) => { if (threadUid === uid) heard.push(threadUid); });
      await aThread({ uid });
      await expect.poll(() => heard.length).toBe(1);
      const { message } = await store.post(uid, aMessage({ key: "k" }), NOW_MS);
      await expect.poll(() => heard.length).toBe(2);
      await store.post(uid, aMessage({ key: "k" }), NOW_MS);
      await store.acknowledge(uid, message.id, NOW_MS);
      await expect.poll(() => heard.length).toBe(3);
      await store.archiveThread(uid, NOW_MS);
      await expect.poll(() => heard.length).toBe(4);
      await expect(store.post(uid, aMessage(), NOW_MS)).rejects.toBeInstanceOf(ThreadGone);
      stop();
      await store.forgetThread(uid);
      expect(heard).toHaveLength(4);
    });
  });
}
