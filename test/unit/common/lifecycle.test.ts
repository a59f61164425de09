import { expect, test } from "vitest";
import { describeError, Lifecycle } from "../../../common/lifecycle.ts";
import type { Log } from "../../../common/log.ts";

function recordingLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const write = (event: string, fields?: Record<string, unknown>) => { lines.push(`${event} ${JSON.stringify(fields ?? {})}`); };
  return { lines, debug: write, info: write, warn: write, error: write };
}

test("stop closes in reverse order of opening", async () => {
  const lifecycle = new Lifecycle(recordingLog());
  const closed: string[] = [];
  for (const name of ["audit", "policy", "listener"]) lifecycle.onStop(name, () => { closed.push(name); });
  await lifecycle.stop();
  expect(closed).toEqual(["listener", "policy", "audit"]);
});

test("a part that fails to close does not keep the others open", async () => {
  const log = recordingLog();
  const lifecycle = new Lifecycle(log);
  const closed: string[] = [];
  lifecycle.onStop("first", () => { closed.push("first"); });
  lifecycle.onStop("second", () => { throw new Error("stuck"); });
  await lifecycle.stop();
  expect(closed).toEqual(["first"]);
  expect(log.lines).toEqual(['close.failed {"part":"second","error":"stuck"}']);
});

test("a part that never closes is given up at the deadline", async () => {
  const lifecycle = new Lifecycle(recordingLog());
  lifecycle.onStop("hanging", async () => new Promise<void>(() => {}));
  await expect(lifecycle.stop(10)).resolves.toBeUndefined();
});

test("a background task that fails is logged once, under its name", async () => {
  const log = recordingLog();
  const lifecycle = new Lifecycle(log);
  lifecycle.run("renewal", async () => { throw new Error("no route", { cause: new Error("down") }); });
  await lifecycle.stop();
  expect(log.lines).toEqual(['task.failed {"task":"renewal","error":"no route: down"}']);
});

test("a background task that ends because of the stop is not a failure", async () => {
  const log = recordingLog();
  const lifecycle = new Lifecycle(log);
  lifecycle.run("loop", async (signal) => new Promise((_, reject) => { signal.addEventListener("abort", () => { reject(signal.reason as Error); }); }));
  await lifecycle.stop();
  expect(log.lines).toEqual([]);
});

test("stopping twice closes once", async () => {
  const lifecycle = new Lifecycle(recordingLog());
  let closed = 0;
  lifecycle.onStop("part", () => { closed += 1; });
  await Promise.all([lifecycle.stop(), lifecycle.stop()]);
  expect(closed).toBe(1);
});

test("an error is described with its causes and without its stack", () => {
  expect(describeError(new Error("a", { cause: new Error("b", { cause: "c" }) }))).toBe("a: b: c");
});
