import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NamespaceFinder } from "../../../../init/node/find-namespace.ts";

const never = new AbortController().signal;
let folder: string;
let asked: string[];
/** What `ip -j address` says in each namespace. */
let addresses: Record<string, readonly string[]>;
let finder: NamespaceFinder;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weir-find-"));
  asked = [];
  addresses = {};
  finder = new NamespaceFinder(folder, async (file, command) => {
    asked.push(`${basename(file)}: ${command.join(" ")}`);
    const own = addresses[basename(file)];
    if (own === undefined) throw new Error("Invalid argument");
    return JSON.stringify([{ ifname: "lo", addr_info: [{ local: "127.0.0.1", scope: "host" }] }, {}, { ifname: "eth0", addr_info: own.map((local) => ({ local, scope: "global" })) }]);
  });
});
afterEach(() => { rmSync(folder, { recursive: true }); });

function add(name: string, ...own: readonly string[]): void {
  writeFileSync(join(folder, name), "");
  addresses[name] = own;
}

test("a pod's namespace is the one that has all of its addresses", async () => {
  add("cni-1", "10.1.0.5");
  add("cni-2", "10.1.0.5", "fd00::5");
  writeFileSync(join(folder, "left-over"), "");
  expect(await finder.find(["10.1.0.5", "fd00:0::5"], never)).toEqual({ file: join(folder, "cni-2"), inode: expect.any(Number) as number });
});

test("none is a reason to try again, and two are not guessed between", async () => {
  add("cni-1", "10.1.0.5");
  add("cni-2", "10.1.0.6");
  await expect(finder.find(["10.1.0.7"], never)).rejects.toThrow("has 10.1.0.7");
  add("cni-3", "10.1.0.6");
  await expect(finder.find(["10.1.0.6"], never)).rejects.toThrow("more than one network namespace has 10.1.0.6");
  expect(await finder.find(["10.1.0.5"], never)).toMatchObject({ file: join(folder, "cni-1") });
});

test("each namespace is asked once, and the one that is meant again: its address may be another one's by now", async () => {
  add("cni-1", "10.1.0.5");
  add("cni-2", "10.1.0.6");
  await finder.find(["10.1.0.5"], never);
  asked.length = 0;
  await finder.find(["10.1.0.5"], never);
  expect(asked).toEqual(["cni-1: ip -j address"]);
  addresses["cni-1"] = [];
  add("cni-3", "10.1.0.5");
  expect(await finder.find(["10.1.0.5"], never)).toMatchObject({ file: join(folder, "cni-3") });
});

test("a namespace that was made anew under the same name is another one", async () => {
  add("cni-1", "10.1.0.5");
  const place = await finder.find(["10.1.0.5"], never);
  expect(await finder.isThere(place)).toBe(true);
  writeFileSync(join(folder, "next"), "");
  rmSync(join(folder, "cni-1"));
  expect(await finder.isThere(place)).toBe(false);
  await expect(finder.find(["10.1.0.5"], never)).rejects.toThrow("no network namespace");
});
