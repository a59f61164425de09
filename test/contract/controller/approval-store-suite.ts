import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AnswerDelivery } from "../../../common/approvals/views.ts";
import { Changes } from "../../../common/approvals/changes.ts";
import type { SqlDriver } from "../../../common/sql/sql-driver.ts";
import type { ApprovalStore } from "../../../controller/approvals/approval-store.ts";
import { approvalsConfig } from "../../../controller/approvals/config.ts";
import { openApprovalStore } from "../../../controller/approvals/open-approval-store.ts";
import { migrate as migrateThreads } from "../../../controller/threads/migrations.ts";
import { aQuestionView } from "../../support/asked-question.ts";

const NODE = { node: "node-1", proxy: "p1", startedAtMs: 100 };
const yes = { decision: "allow", scope: "once", reason: "agreed" } as const;
const forThread = { decision: "allow", scope: "thread", reason: "trusted" } as const;
const no = { decision: "deny", reason: "no" } as const;
const CONFIG = approvalsConfig.parse({ maxThreadApprovals: 3, webhook: { url: "https://hooks.test/x", secretFile: "/unused", link: "https://weir.test/approvals" } });

/** The same tests for each database. @param open a database of its own, which the suite closes */
export function describeApprovalStore(name: string, open: () => Promise<SqlDriver>): void {
  describe(`approvals in ${name}`, () => {
    let driver: SqlDriver;
    let store: ApprovalStore;
    beforeAll(async () => {
      driver = await open();
      await migrateThreads(driver);
      store = await openApprovalStore(driver, CONFIG);
    });
    beforeEach(async () => {
      for (const table of ["approval_questions", "thread_approvals", "approval_messages"]) await driver.query(`delete from ${table}`);
    });
    afterAll(async () => {
      await store.close();
      await driver.close();
    });
    const ask = async (changes: Parameters<typeof aQuestionView>[0] = {}, from = NODE, threadUid: string | null = null) => {
      const view = aQuestionView(changes);
      await store.ask(from, [{ view, threadUid }], 1_000);
      return view;
    };

    test("a question is listed until it is answered or over, and entered once however often it is reported", async () => {
      const view = await ask();
      await store.ask(NODE, [{ view: { ...view, isWaiting: false }, threadUid: null }], 1_500);
      expect(await store.open("team", 2_000)).toMatchObject([{ view: { id: view.id, isWaiting: false }, state: "open" }]);
      expect(await store.open("other", 2_000)).toEqual([]);
      expect(await store.open(null, view.expiresAtMs)).toEqual([]);
      expect(await store.get(view.id, view.expiresAtMs)).toMatchObject({ state: "expired" });
      expect((await store.due(2_000, 10)).map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([{ type: "approval.asked", data: { id: view.id, link: "https://weir.test/approvals" } }]);
    });

    test("the first of two answers counts, and the second learns whose that was", async () => {
      const { id } = await ask();
      expect(await Promise.all([store.decide(id, yes, "ann", 2_000), store.decide(id, no, "max", 2_000)].map(async (answer) => (await answer).result)).then((all) => all.toSorted()))
        .toEqual(["done", "late"]);
      const { by, state } = await store.get(id, 2_000) ?? {};
      expect(await store.decide(id, no, "eve", 2_001)).toEqual({ result: "late", outcome: state, by });
    });

    test("an answer after the time is over decides nothing", async () => {
      const { id, expiresAtMs } = await ask();
      expect(await store.decide(id, yes, "ann", expiresAtMs)).toEqual({ result: "late", outcome: "expired", by: null });
    });

    test("a scope that is not offered decides nothing, nor does an id that is not there", async () => {
      const { id } = await ask({ scopes: ["once"] });
      expect((await store.decide(id, forThread, "ann", 2_000)).result).toBe("unfit");
      expect((await store.decide(aQuestionView().id, yes, "ann", 2_000)).result).toBe("unknown");
    });

    test("a node hears the answers to its own questions until it says so, and nobody else does", async () => {
      const { id } = await ask();
      const before = await store.news(NODE, 2_000);
      await store.decide(id, yes, "ann", 2_000);
      const news = await store.news(NODE, 2_000);
      expect(news.version).not.toBe(before.version);
      expect(news.decisions).toEqual([{ id, by: "ann", decision: yes }]);
      expect((await store.news({ node: "node-2", proxy: "p9", startedAtMs: 100 }, 2_000)).decisions).toEqual([]);
      await store.end({ node: "node-2", proxy: "p9", startedAtMs: 100 }, [{ id, outcome: "expired", delivery: null }], 2_500);
      expect((await store.news(NODE, 2_500)).decisions).toHaveLength(1);
      await store.end(NODE, [{ id, outcome: "allowed", delivery: null }], 3_000);
      expect((await store.news(NODE, 3_000)).decisions).toEqual([]);
      expect(await store.get(id, 3_000)).toMatchObject({ state: "allowed", by: "ann", reason: "agreed" });
    });

    test("an answer says what came of it once its node has said so, and keeps that", async () => {
      const { id } = await ask();
      await store.decide(id, yes, "ann", 2_000);
      const deliveryAfter = async (delivery: AnswerDelivery | null) => {
        await store.end(NODE, [{ id, outcome: "allowed", delivery }], 3_000);
        return (await store.get(id, 3_000))?.delivery;
      };
      expect([await deliveryAfter(null), await deliveryAfter("went-on"), await deliveryAfter(null)]).toEqual([null, "went-on", "went-on"]);
    });

    test("an answer of which a process of a node said nothing is lost with the first word of the next, whether or not it had heard it", async () => {
      const questions = [await ask(), await ask(), await ask()];
      const [heard, unheard, told] = questions.map(({ id }) => id) as [string, string, string];
      for (const { id } of questions) await store.decide(id, yes, "ann", 2_000);
      await store.end(NODE, [{ id: heard, outcome: "allowed", delivery: null }, { id: told, outcome: "allowed", delivery: "went-on" }], 2_500);
      await store.ask({ node: "node-1", proxy: "p2", startedAtMs: 200 }, [], 3_000);
      expect(await Promise.all([heard, unheard, told].map(async (id) => (await store.get(id, 3_000))?.delivery))).toEqual(["lost", "lost", "went-on"]);
      expect((await store.news(NODE, 3_000)).decisions).toEqual([]);
    });

    test("what an earlier process of a node asked is withdrawn with the first word of the next", async () => {
      const { id } = await ask();
      await ask({}, { node: "node-1", proxy: "p2", startedAtMs: 200 });
      expect(await store.get(id, 2_000)).toMatchObject({ state: "withdrawn" });
    });

    test("a process that is going takes nothing from its successor, and a question that is over is not kept", async () => {
      const successor = { node: "node-1", proxy: "p2", startedAtMs: 200 };
      const { id } = await ask({}, successor);
      expect(await store.ask(NODE, [], 1_500)).toEqual([]);
      expect(await store.get(id, 2_000)).toMatchObject({ state: "open" });
      const early = await ask();
      expect(await store.ask(successor, [], 1_600)).toEqual([]);
      expect(await store.ask(NODE, [{ view: early, threadUid: null }], 1_700)).toEqual([]);
      expect(await store.get(early.id, 2_000)).toMatchObject({ state: "withdrawn" });
    });

    test("a question that was answered and not heard is kept: its answer is on the way", async () => {
      const view = await ask();
      await store.decide(view.id, yes, "ann", 2_000);
      expect(await store.ask(NODE, [{ view, threadUid: null }], 2_001)).toEqual([view.id]);
    });

    test("whose question it is cannot be changed after it was entered, only whether its client waits", async () => {
      const view = await ask({}, NODE, "u1");
      const other = { ...view, host: "evil.test", isWaiting: false, agent: { ...view.agent, thread: "shop-2" } };
      expect(await store.ask(NODE, [{ view: other, threadUid: "u1" }], 1_500)).toEqual([view.id]);
      expect(await store.get(view.id, 2_000)).toMatchObject({ view: { ...view, isWaiting: false }, threadUid: "u1" });
      expect(await store.ask(NODE, [{ view: other, threadUid: "u2" }], 1_500)).toEqual([]);
      expect(await store.ask({ node: "node-2", proxy: "p9", startedAtMs: 100 }, [{ view: other, threadUid: "u1" }], 1_500)).toEqual([]);
    });

    test("an answer that came too late for its node did not count, and is not said to have", async () => {
      const { id } = await ask();
      await store.decide(id, yes, "ann", 2_000);
      await store.end(NODE, [{ id, outcome: "expired", delivery: null }], 2_500);
      expect(await store.get(id, 3_000)).toMatchObject({ state: "expired", by: null });
      expect((await store.news(NODE, 3_000)).decisions).toEqual([]);
      expect((await store.due(3_000, 10)).map(({ body }) => (JSON.parse(body) as { type: string }).type)).toContain("approval.expired");
    });

    test("a yes for a thread reaches every node, until it is revoked or over, and says by whom", async () => {
      const { id } = await ask();
      await store.decide(id, forThread, "ann", 2_000);
      const elsewhere = { node: "node-2", proxy: "p9", startedAtMs: 100 };
      expect((await store.news(elsewhere, 3_000)).threads).toMatchObject([{ id, thread: "shop-1", rule: "billing.charge", by: "ann", reason: "trusted" }]);
      expect((await store.news(elsewhere, 2_000 + CONFIG.threadApprovalMs)).threads).toEqual([]);
      expect(await store.revoke(id, "max", "a mistake", 4_000)).toBe(true);
      expect(await store.revoke(id, "eve", "again", 4_001)).toBe(false);
      const news = await store.news(elsewhere, 5_000);
      expect([news.threads, news.revoked[id]]).toEqual([[], { by: "max", reason: "a mistake" }]);
    });

    test("a yes for a thread ends with the thread: another of the same name begins without", async () => {
      await driver.query("insert into threads (uid, namespace, name, agent, owner, created_at_ms) values ('u1', 'team', 'shop-1', 'shop', 'ann', 1)");
      const { id } = await ask({}, NODE, "u1");
      await store.decide(id, forThread, "ann", 2_000);
      expect(await store.threadApprovals("team", 2_000)).toMatchObject([{ id, threadUid: "u1" }]);
      await driver.query("update threads set archived_at_ms = 5 where uid = 'u1'");
      expect([await store.threadApprovals("team", 2_000), (await store.news(NODE, 2_000)).threads]).toEqual([[], []]);
      await driver.query("delete from threads where uid = 'u1'");
      expect(await store.threadApprovals(null, 2_000)).toEqual([]);
    });

    test("only so many approvals of threads hold, and a refused one decides nothing", async () => {
      for (const thread of ["a", "b", "c"]) await store.decide((await ask({ agent: { ...aQuestionView().agent, thread } })).id, forThread, "ann", 2_000);
      const { id } = await ask();
      await expect(store.decide(id, forThread, "ann", 2_000)).rejects.toMatchObject({ name: "TooManyApprovals" });
      expect(await store.get(id, 2_000)).toMatchObject({ state: "open" });
    });

    test("a message stays until it is taken, and is tried again later", async () => {
      await ask();
      const [message] = await store.due(2_000, 10);
      await store.retryMessage(message?.id ?? "", 9_000);
      expect(await store.due(8_999, 10)).toEqual([]);
      expect(await store.due(9_000, 10)).toMatchObject([{ id: message?.id, failed: 1 }]);
      await store.dropMessage(message?.id ?? "");
      expect(await store.due(9_000, 10)).toEqual([]);
    });

    test("whoever waits is woken by an answer", async () => {
      const { id } = await ask();
      using changes = new Changes(store);
      const woken = changes.next(60_000, new AbortController().signal);
      await store.decide(id, yes, "ann", 2_000);
      await woken;
    });

    test("what is long over is forgotten", async () => {
      const { id, expiresAtMs } = await ask();
      await store.forget(expiresAtMs);
      expect(await store.get(id, 2_000)).not.toBeNull();
      await store.forget(expiresAtMs + 1);
      expect(await store.get(id, 2_000)).toBeNull();
    });

    test("a controller that starts again finds everything", async () => {
      const { id } = await ask();
      await store.decide(id, forThread, "ann", 2_000);
      const again = await openApprovalStore(driver, CONFIG);
      expect((await again.news(NODE, 3_000)).decisions).toMatchObject([{ id }]);
      expect(await again.threadApprovals("team", 3_000)).toMatchObject([{ id }]);
      await again.close();
    });
  });
}
