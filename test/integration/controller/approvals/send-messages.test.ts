import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { silentLog } from "../../../../common/log.ts";
import { openPglite } from "../../../../common/sql/pglite-driver.ts";
import type { SqlDriver } from "../../../../common/sql/sql-driver.ts";
import type { ApprovalStore } from "../../../../controller/approvals/approval-store.ts";
import { approvalsConfig, type ApprovalsConfig } from "../../../../controller/approvals/config.ts";
import { openApprovalStore } from "../../../../controller/approvals/open-approval-store.ts";
import { sendMessages } from "../../../../controller/approvals/send-messages.ts";
import { migrate } from "../../../../controller/threads/migrations.ts";
import { aQuestionView } from "../../../support/asked-question.ts";
import { eventually } from "../../../support/whole-proxy.ts";

const KEY = Buffer.alloc(32, 3);
const folder = mkdtempSync(join(tmpdir(), "weir-webhook-"));
const heard: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
let refusals = 0;
let server: Server;
let driver: SqlDriver;
let config: ApprovalsConfig;
let store: ApprovalStore;
let term: AbortController;

beforeAll(async () => {
  server = createServer((request, response) => {
    void text(request).then((body) => {
      heard.push({ headers: request.headers, body });
      refusals -= 1;
      response.writeHead(refusals >= 0 ? 503 : 204).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const secretFile = join(folder, "key");
  writeFileSync(secretFile, `whsec_${KEY.toString("base64")}`, { mode: 0o600 });
  config = approvalsConfig.parse({ webhook: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, secretFile, attempts: 3 } });
  driver = await openPglite(null);
  await migrate(driver);
  store = await openApprovalStore(driver, config);
});
afterAll(async () => {
  await store.close();
  await driver.close();
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  heard.length = 0;
  refusals = 0;
  term = new AbortController();
  await driver.query("delete from approval_messages");
});
afterEach(() => { term.abort(); });

const lead = async () => sendMessages({ store, config, clock: systemClock, log: silentLog }, term.signal);
const ask = async () => {
  const view = aQuestionView({ expiresAtMs: Date.now() + 60_000 });
  await store.ask({ node: "n", proxy: "p", startedAtMs: 1 }, [{ view, threadUid: null }], Date.now());
  return view;
};
const typesOf = () => heard.map(({ body }) => (JSON.parse(body) as { type: string }).type);

test("the leader tells of each question and of what became of it, signed", async () => {
  void lead();
  const { id } = await ask();
  await eventually("the question", () => heard.length === 1);
  await store.decide(id, { decision: "deny", reason: "secret words" }, "ann", Date.now());
  await eventually("the answer", () => heard.length === 2);
  expect(typesOf()).toEqual(["approval.asked", "approval.denied"]);
  for (const { headers, body } of heard) {
    expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", KEY).update(`${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`).digest("base64")}`);
    expect(body).not.toMatch(/secret words|ann|charges/);
  }
  await eventually("that nothing is left", async () => (await store.due(Date.now() + 1_000_000, 10)).length === 0);
});

test("what one leader could not deliver the next one does, with the same id", async () => {
  refusals = 1;
  void lead();
  await ask();
  await eventually("one attempt", () => heard.length === 1);
  term.abort();
  term = new AbortController();
  void lead();
  await eventually("another", () => heard.length === 2);
  expect(heard[1]?.headers["webhook-id"]).toBe(heard[0]?.headers["webhook-id"]);
});

test("a message that nobody takes is given up after its attempts", async () => {
  refusals = 100;
  void lead();
  await ask();
  await eventually("that it is given up", async () => heard.length === 3 && (await store.due(Date.now() + 1_000_000, 10)).length === 0, 10_000);
});
