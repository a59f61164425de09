import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { localApprovalBook } from "../../../cli/approvals/local-book.ts";
import { withApprovalBook } from "../../../cli/approvals/open-approval-book.ts";
import { watchApprovals } from "../../../cli/approvals/watch-approvals.ts";
import { openIo } from "../../../cli/io.ts";
import { newApprovalId } from "../../../common/approvals/approval-id.ts";
import { approvalsFolder } from "../../../common/approvals/approvals-folder.ts";
import { systemClock } from "../../../common/clock.ts";
import { EXIT } from "../../../common/exit-codes.ts";
import { silentLog } from "../../../common/log.ts";
import { openOperatorDoor, type OperatorDoor } from "../../../proxy/admin/operator-door.ts";
import { ThreadApprovals } from "../../../proxy/approvals/thread-approvals.ts";
import { anAsk, ApprovalStand, aSubject, staying } from "../../support/approval-stand.ts";
import { weir } from "../../support/cli.ts";

describe("weir approvals, of this machine", () => {
  let state: string;
  let door: OperatorDoor | null;
  let stand: ApprovalStand;
  beforeEach(async () => {
    state = mkdtempSync(join(tmpdir(), "weir-approvals-cli-"));
    writeFileSync(join(state, "weir.yaml"), `stateDirectory: ${state}\n`);
    stand = new ApprovalStand();
    door = await openOperatorDoor(state, { revoke: async () => ({ dropped: 0, isConfirmed: true }), usage: () => ({ threads: [] }), approvals: stand.desk }, silentLog);
  });
  afterEach(async () => {
    await door?.close();
    stand[Symbol.dispose]();
    rmSync(state, { recursive: true });
  });
  const approvals = async (...args: string[]) => weir(["approvals", ...args, "-c", join(state, "weir.yaml")]);
  /** A request that goes on with a yes. */
  const ask = async (changes: Parameters<typeof aSubject>[0] = {}, goesOn = true) => {
    const answer = await stand.desk.ask(aSubject(changes), anAsk(), staying);
    stand.desk.tellBack(answer, goesOn);
    return answer;
  };
  const shortOf = (id: string) => id.slice(0, 12);

  test("says that nothing waits", async () => {
    expect(await approvals()).toMatchObject({ code: EXIT.ok, out: "", err: "nothing waits for a person on this machine" });
  });

  test("lists, shows and allows what waits, by the beginning of its id", async () => {
    const waiting = ask();
    const id = stand.lastId;
    const [headings, line] = (await approvals()).out.split("\n");
    expect(headings).toMatch(/^ID +AGENT +THREAD +ASKS FOR +LEFT +RULE$/);
    expect(line).toMatch(/^apr-\w{6} +ns\/shop +t1 +POST billing\.test\/charges +\d+m +billing\.charge$/);
    expect((await approvals("show", shortOf(id))).out).toContain("  | MCP: tools/call charge");
    expect(await approvals("allow", shortOf(id), "--why", "agreed")).toMatchObject({ code: EXIT.ok, err: "allowed: the request went on" });
    expect(await waiting).toMatchObject({ outcome: "allowed", by: expect.stringMatching(/^(user|uid):/) as string, reason: "agreed" });
  });

  test("allows nothing by an id that is hardly one, and takes no reason that would not be recorded", async () => {
    void ask();
    for (const slip of ["", "apr-"]) expect(await approvals("allow", slip)).toMatchObject({ code: EXIT.usage, err: expect.stringContaining("too little of an id") as string });
    expect(await approvals("deny", stand.lastId, "--why", "x".repeat(1_001))).toMatchObject({ code: EXIT.usage });
    expect(stand.desk.list().questions).toHaveLength(1);
  });

  test("does not say that nothing waits where a proxy does not answer as one", async () => {
    const odd = createServer((socket) => { socket.end("hello\r\n"); }).listen(join(state, "operator", "77-odd.sock"));
    await once(odd, "listening");
    const { code, out, err } = await approvals();
    expect([code, out, err.split("\n")]).toEqual([EXIT.unavailable, "", [expect.stringMatching(/^process 77: .*what waits there is not known$/)]]);
    expect(await approvals("allow", "apr-zzzz")).toMatchObject({ code: EXIT.unavailable, err: expect.stringContaining("process 77") as string });
    odd.close();
  });

  test("denies, and says so to whoever is too late", async () => {
    const waiting = ask();
    const id = stand.lastId;
    expect((await approvals("deny", id, "--why", "no")).code).toBe(EXIT.ok);
    expect(await waiting).toMatchObject({ outcome: "denied", reason: "no" });
    expect(await approvals("allow", id)).toMatchObject({ code: EXIT.failure, err: expect.stringContaining("there is no question") as string });
    expect(await localApprovalBook(state).decide(id, { decision: "allow", scope: "once", reason: "" })).toMatchObject({ result: "late", outcome: "denied" });
  });

  test("says what came of the answer, also as JSON", async () => {
    void ask({}, false);
    expect(await approvals("allow", stand.lastId)).toMatchObject({ code: EXIT.ok, err: "allowed: but the request was refused all the same; its record says why (`weir explain`)" });
    void ask();
    const id = stand.lastId;
    const { out } = await approvals("deny", id, "-o", "json");
    expect(JSON.parse(out)).toEqual({ id, result: "done", outcome: "denied", by: expect.any(String) as string, delivery: "refused" });
  });

  test("allows for the thread, lists that, and takes it back", async () => {
    const waiting = ask();
    expect((await approvals("allow", shortOf(stand.lastId), "--thread")).code).toBe(EXIT.ok);
    await waiting;
    const { threads: [approval] } = JSON.parse((await approvals("-o", "json")).out) as { threads: { id: string; rule: string }[] };
    expect(approval?.rule).toBe("billing.charge");
    expect(await approvals("revoke", approval?.id ?? "", "--why", "a mistake")).toMatchObject({ code: EXIT.ok, err: "revoked" });
    expect(stand.desk.covers(aSubject(), "billing.charge")).toBe(false);
    expect((await approvals("revoke", approval?.id ?? "")).code).toBe(EXIT.failure);
  });

  test("shows text of an agent without letting it steer the terminal", async () => {
    void ask({ path: "/x\u001b[2J\u202E", details: ["\u001b[1mbold"] });
    const { out } = await approvals("show", stand.lastId);
    expect(out).not.toContain("\u001b");
    expect(out).not.toContain("\u202E");
  });

  test("prints each new question once while it watches", async () => {
    void ask();
    const ended = new AbortController();
    const said: string[] = [];
    const io = { ...openIo({}), out: (line: string) => { said.push(line); ended.abort(); }, err: () => {} };
    await watchApprovals(localApprovalBook(state), { io, ask: async () => null, output: "json", nowMs: Date.now, signal: ended.signal });
    expect(JSON.parse(said[0] ?? "")).toMatchObject({ id: stand.lastId });
  });

  test("watches on through an outage, which it says once", async () => {
    const ended = new AbortController();
    const said: string[] = [];
    const io = { ...openIo({}), out: (line: string) => { said.push(line); ended.abort(); }, err: (line: string) => { said.push(line); } };
    const book = localApprovalBook(state);
    let looks = 0;
    const flaky = { ...book, list: async () => {
      looks += 1;
      if (looks === 2 || looks === 3) throw new Error("the controller does not answer");
      if (looks === 4) void ask();
      return book.list();
    } };
    await watchApprovals(flaky, { io, ask: async () => null, output: "json", nowMs: Date.now, signal: ended.signal });
    expect(said).toEqual(["the controller does not answer", expect.stringContaining("billing.charge")]);
  });

  test.each([
    [["o", "agreed"], "allowed"], [["t", ""], "allowed"], [["d", "no"], "denied"], [["yes"], null], [[""], null],
  ])("asks the person at the terminal while it watches: %j is %s, and a slip of a key decides nothing", async (answers, outcome) => {
    void ask();
    const id = stand.lastId;
    const ended = new AbortController();
    const io = { ...openIo({}), out: () => {}, err: () => {} };
    const left = [...answers];
    const person = async () => {
      if (left.length === 1) ended.abort();
      return left.shift() ?? "";
    };
    await watchApprovals(localApprovalBook(state), { io, ask: person, output: "text", nowMs: Date.now, signal: ended.signal });
    expect(stand.events.at(-1)?.split(" ")[0]).toBe(outcome ?? "asked");
    expect(stand.desk.list().questions.map((one) => one.id)).toEqual(outcome === null ? [id] : []);
  });

  test("takes back what is allowed for a thread where no proxy runs any more, on record", async () => {
    await door?.close();
    door = null;
    const id = newApprovalId();
    const threads = new ThreadApprovals({ directory: approvalsFolder(state), limit: 10, clock: systemClock, log: silentLog });
    threads.add({ id, namespace: "ns", agent: "shop", thread: "t1", rule: "billing.charge", by: "user:ann", reason: "", allowedAtMs: Date.now(), expiresAtMs: Date.now() + 60_000 });
    expect((await approvals()).out).toContain("billing.charge");
    expect(await approvals("revoke", id, "--why", "over")).toMatchObject({ code: EXIT.ok, err: "revoked" });
    expect((await approvals()).err).toContain("nothing waits");
    const chain = readdirSync(join(state, "audit", "operator"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(chain.map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1")).join("")).toContain("approval.revoked");
  });

  test("means the cluster whose options are given", async () => {
    await expect(withApprovalBook({ server: "https://127.0.0.1:1", tokenFile: join(state, "none"), output: "text", systemNamespace: "weir-system" }, openIo({}), async (book) => book.list())).rejects.toThrow(/does not answer/);
  });
});
