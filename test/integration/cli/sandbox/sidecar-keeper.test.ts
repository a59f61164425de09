import { afterEach, beforeEach, expect, test } from "vitest";
import { SidecarKeeper } from "../../../../cli/sandbox/sidecar-keeper.ts";
import type { StageEvent } from "../../../../cli/sandbox/stage-protocol.ts";

const READY = 'process.stderr.write(JSON.stringify({ event: "sidecar.ready" }) + "\\n");';
const STAYS = `${READY} process.stdin.on("end", () => process.exit(0)).resume();`;

let events: StageEvent[];
let stopping: AbortController;
let keeper: SidecarKeeper;
const keeperOf = (script: string) => new SidecarKeeper([process.execPath, "-e", script], (event) => { events.push(event); });
const pids = () => events.flatMap((event) => (event.kind === "sidecar-started" ? [event.pid] : []));

beforeEach(() => {
  events = [];
  stopping = new AbortController();
});
afterEach(async () => {
  stopping.abort();
  await keeper.stop();
});

test("a sidecar that dies is started again, and both are told", async () => {
  keeper = keeperOf(STAYS);
  await keeper.start();
  const keeping = keeper.keep(stopping.signal);
  process.kill(pids()[0] ?? 0, "SIGKILL");
  await expect.poll(() => events.map(({ kind }) => kind)).toEqual(["sidecar-started", "sidecar-ended", "sidecar-started"]);
  expect(events[1]).toEqual({ kind: "sidecar-ended", detail: "SIGKILL" });
  expect(pids()[1]).not.toBe(pids()[0]);
  stopping.abort();
  await keeping;
});

test("one that cannot start fails the start with its last words, so that no command runs without it", async () => {
  keeper = keeperOf('process.stderr.write("the port is taken\\n"); process.exitCode = 3;');
  await expect(keeper.start()).rejects.toThrow("the sidecar ended (3): the port is taken");
  expect(pids()).toEqual([]);
});

test("stopping ends it at once and starts no other", async () => {
  keeper = keeperOf(STAYS);
  await keeper.start();
  const keeping = keeper.keep(stopping.signal);
  stopping.abort();
  await keeper.stop();
  await keeping;
  expect(pids()).toHaveLength(1);
  expect(() => process.kill(pids()[0] ?? 0, 0)).toThrow("ESRCH");
});
