import { mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { request, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { revokeAtDoors, usageAtDoors } from "../../../../cli/operator-doors.ts";
import { silentLog } from "../../../../common/log.ts";
import { operatorFolder } from "../../../../common/operator-door.ts";
import { openOperatorDoor, type OperatorDoor } from "../../../../proxy/admin/operator-door.ts";
import { weir } from "../../../support/cli.ts";

const USED = { namespace: "local", agent: "a", thread: "t1", model: "m", requests: 2, refusals: 0, tokens: "12", nanoUsd: "34", open: 1 };

describe("the operator's door", () => {
  let state: string;
  let door: OperatorDoor | null;
  let orders: unknown[];
  beforeEach(async () => {
    state = mkdtempSync(join(tmpdir(), "weir-door-"));
    orders = [];
    door = await open();
  });
  afterEach(async () => {
    await door?.close();
    rmSync(state, { recursive: true });
  });
  const open = async () => openOperatorDoor(state, {
    revoke: async (what) => {
      orders.push(what);
      return { dropped: 3, isConfirmed: what.grant !== "stuck" };
    },
    usage: () => ({ threads: [USED] }),
  }, silentLog);
  const sockets = () => readdirSync(operatorFolder(state));
  const send = async (method: string, path: string, body: string): Promise<number | undefined> => {
    const sent = request({ socketPath: join(operatorFolder(state), sockets()[0] ?? ""), method, path });
    sent.end(body);
    const [answer] = await once(sent, "response") as [IncomingMessage];
    answer.resume();
    return answer.statusCode;
  };

  test("takes orders to revoke, and says what became of them", async () => {
    expect(await revokeAtDoors(state, { thread: "t1" })).toEqual([{ proxy: `process ${process.pid}`, answer: { dropped: 3, isConfirmed: true }, trouble: null }]);
    expect(orders).toEqual([{ thread: "t1" }]);
  });

  test("says what threads have used", async () => {
    expect(await usageAtDoors(state)).toEqual([{ proxy: `process ${process.pid}`, answer: { threads: [USED] }, trouble: null }]);
  });

  test("can be reached by the owner of the state directory alone", () => {
    expect([statSync(operatorFolder(state)).mode & 0o777, statSync(join(operatorFolder(state), sockets()[0] ?? "")).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  test.each([
    ["POST", "/metrics", "{}", 404], ["GET", "/revoke", "", 405], ["POST", "/usage", "{}", 405], ["POST", "/revoke", "", 400], ["POST", "/revoke", '{"grants":"x"}', 400], ["POST", "/revoke", '{"grant":1}', 400],
  ])("does nothing at %s %s %s, and answers %d", async (method, path, body, status) => {
    expect([await send(method, path, body), orders]).toEqual([status, []]);
  });

  test("does not read an order without end", async () => {
    await expect(send("POST", "/revoke", `{"grant":"${"x".repeat(10_000)}"}`)).rejects.toThrow(/ECONNRESET|hang up|EPIPE/);
    expect(orders).toEqual([]);
  });

  test("leaves nothing behind, and takes away what a killed proxy left", async () => {
    await door?.close();
    door = null;
    expect(sockets()).toEqual([]);
    const killed = createServer().listen(join(operatorFolder(state), "1-live.sock"));
    await once(killed, "listening");
    renameSync(join(operatorFolder(state), "1-live.sock"), join(operatorFolder(state), "1-dead.sock"));
    killed.close();
    door = await open();
    expect(sockets()).toEqual([expect.stringMatching(`^${process.pid}-`)]);
  });

  test("is where `weir revoke` goes: what is asked for must be named", async () => {
    const config = join(state, "weir.yaml");
    writeFileSync(config, `stateDirectory: ${state}\n`);
    const revoke = async (...args: string[]) => weir(["revoke", "--config", config, ...args]);
    expect((await revoke()).code).toBe(2);
    expect((await revoke("--all", "--grant", "x")).code).toBe(2);
    expect(await revoke("--grant", "github")).toMatchObject({ code: 0, out: expect.stringMatching(/process \d+ +3 +yes/) as unknown });
    expect(await revoke("--grant", "stuck")).toMatchObject({ code: 1, out: expect.stringContaining("not yet") as unknown });
    expect(JSON.parse((await revoke("--all", "-o", "json")).out)).toMatchObject({ proxies: [{ answer: { dropped: 3, isConfirmed: true } }] });
    expect(orders).toEqual([{ grant: "github" }, { grant: "stuck" }, {}]);
    await door?.close();
    expect((await revoke("--all")).code).toBe(69);
  });
});
