import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { silentLog } from "../../../../common/log.ts";
import { HighestRevision, policyStateDirectory } from "../../../../proxy/policy/bundles/highest-revision.ts";
import { packFiles, unpackFiles } from "../../../../proxy/policy/bundles/files.ts";
import { policyConfig } from "../../../../proxy/policy/config.ts";
import { ReloadingPolicyEngine, type PolicyEvent } from "../../../../proxy/policy/engine.ts";
import { aFolder } from "../../../policy/folders.ts";
import { keysOf, policyFiles, signed } from "../../../support/signed-bundles.ts";

const keys = keysOf();
const files = (revision: string, host = "api.example.com") => policyFiles({ hosts: [{ name: host, rule: `rule.${revision.split("-")[0]}` }] }, revision);
const bundle = async (revision: string, host?: string) => signed(await files(revision, host), keys);

interface Stage {
  readonly directory: string;
  readonly state: string;
  readonly events: PolicyEvent[];
  readonly publish: (packed: Buffer) => Promise<void>;
  readonly start: () => Promise<ReloadingPolicyEngine>;
}

/** A proxy's engine with a signed bundle on the disk, and its state directory, which outlives it. */
async function aStage(first: Buffer): Promise<Stage> {
  const directory = await aFolder({ "policy.tar.gz": first });
  const state = await aFolder({});
  const events: PolicyEvent[] = [];
  const config = policyConfig.parse({ bundle: join(directory, "policy.tar.gz"), verification: { keys: { release: { key: keys.publicPem } } } });
  return {
    directory, state, events,
    publish: async (packed) => {
      await writeFile(join(directory, "draft"), packed);
      await rename(join(directory, "draft"), join(directory, "policy.tar.gz"));
    },
    start: () => ReloadingPolicyEngine.open(config, { log: silentLog, clock: systemClock, environment: {}, stateDirectory: state, onEvent: (event) => { events.push(event); } }),
  };
}

const refusals = ({ events }: Stage) => events.filter(({ event }) => event === "policy.refused").map(({ fields }) => String(fields["error"]));

describe("a signed bundle", () => {
  test("comes into force with a record of its revision and signer, and so does each higher one", async () => {
    const stage = await aStage(await bundle("1-first"));
    const engine = await stage.start();
    await stage.publish(await bundle("2"));
    await engine.reload();
    expect(engine.revision).toBe("2");
    expect(stage.events).toMatchObject([
      { event: "policy.loaded", fields: { revision: "1-first", signer: "release" } }, { event: "policy.loaded", fields: { revision: "2", signer: "release" } },
    ]);
  });

  test.each([
    ["older", () => bundle("1"), "its revision 1 is lower than 5, which was in force"],
    ["of the same revision with other content", () => bundle("5", "other.example.com"), "its revision 5 was in force with other content"],
    ["without an order", () => bundle("latest"), "has no order"],
    ["unsigned", async () => packFiles(await files("6")), "is not signed"],
    ["signed by somebody else", async () => signed(await files("6"), keysOf()), "its signature does not hold"],
    ["cut off", async () => (await bundle("6")).subarray(0, 5_000), "is cut off"],
    ["larger than a bundle may be", () => Buffer.alloc((32 << 20) + 1), "is larger than"],
  ])("that is %s is refused with a line, and the last good one stays", async (_, offer, line) => {
    const stage = await aStage(await bundle("5"));
    const engine = await stage.start();
    await stage.publish(await offer());
    await engine.reload();
    expect(refusals(stage)).toEqual([expect.stringContaining(line)]);
    expect(engine.revision).toBe("5");
    expect(engine.state).toMatchObject({ refused: 1, trouble: expect.stringContaining(line) });
    await stage.publish(await bundle("6"));
    await engine.reload();
    expect(engine.revision).toBe("6");
    expect(engine.state).toMatchObject({ refused: 1, trouble: null });
  });

  test("packed anew under the same revision is the same policy", async () => {
    const stage = await aStage(await bundle("5"));
    const engine = await stage.start();
    await stage.publish(await signed(await files("5"), keys, { keyId: "release" }));
    await engine.reload();
    expect(stage.events).toHaveLength(1);
  });
});

describe("over a restart", () => {
  test("an older bundle keeps the proxy from starting, and says how to go back", async () => {
    const stage = await aStage(await bundle("5"));
    await stage.start();
    await stage.publish(await bundle("4"));
    await expect(stage.start()).rejects.toMatchObject({ message: expect.stringContaining("its revision 4 is lower than 5"), exitCode: 78 });
    await stage.publish(await bundle("5", "other.example.com"));
    await expect(stage.start()).rejects.toThrow("with other content");
    await stage.publish(await bundle("5"));
    expect((await stage.start()).revision).toBe("5");
  });

  test("and an operator who pins a revision may go back to it, and up again from there only", async () => {
    const stage = await aStage(await bundle("5"));
    const engine = await stage.start();
    const highest = new HighestRevision(policyStateDirectory(stage.state));
    await highest.pin("3");
    await stage.publish(await bundle("4"));
    await engine.reload();
    expect(engine.revision).toBe("4");
    await stage.publish(await bundle("3"));
    await engine.reload();
    expect(engine.revision).toBe("4");
    expect(await highest.read()).toMatchObject({ revision: "4", digest: expect.stringMatching(/^sha256:/) });
  });

  test("a memory that cannot be read lets nothing new in", async () => {
    const stage = await aStage(await bundle("5"));
    const engine = await stage.start();
    await writeFile(join(stage.state, "policy", "highest-revision.json"), "{");
    await stage.publish(await bundle("6"));
    await engine.reload();
    expect(engine.revision).toBe("5");
    expect(refusals(stage)).toEqual([expect.stringContaining("weir policy pin")]);
  });

  test("the memory is only the owner's to read, and holds what was in force last", async () => {
    const stage = await aStage(await bundle("5"));
    await stage.start();
    expect(JSON.parse(await readFile(join(stage.state, "policy", "highest-revision.json"), "utf8"))).toMatchObject({ revision: "5" });
  });
});

test("of several proxies that share their state, none can lower what another raised", async () => {
  const state = await aFolder({});
  const offers = Array.from({ length: 12 }, (_, number) => ({ revision: String(number + 1), digest: `sha256:${number}` }));
  const raised = await Promise.allSettled(offers.toReversed().map(async (offer) => new HighestRevision(state).raise(offer)));
  expect(await new HighestRevision(state).read()).toEqual(offers.at(-1));
  expect(raised.some(({ status }) => status === "fulfilled")).toBe(true);
});

test("an unsigned bundle of the same revision with other content comes into force, and records tell the two apart", async () => {
  const path = join(await aFolder({ "policy.tar.gz": await packFiles(await files("release-7")) }), "policy.tar.gz");
  const events: PolicyEvent[] = [];
  const engine = await ReloadingPolicyEngine.open(policyConfig.parse({ bundle: path }), { log: silentLog, clock: systemClock, environment: {}, onEvent: (event) => { events.push(event); } });
  const first = engine.revision;
  await engine.reload();
  expect(events, "the same content is the same policy").toHaveLength(1);
  await writeFile(path, await packFiles(await files("release-7", "other.example.com")));
  await engine.reload();
  expect([first, engine.revision].map((revision) => revision.replace(/[0-9a-f]{16}$/, "…"))).toEqual(["release-7+sha256:…", "release-7+sha256:…"]);
  expect(engine.revision).not.toBe(first);
  expect(events.map(({ event, fields }) => [event, fields["revision"]])).toEqual([["policy.loaded", first], ["policy.loaded", engine.revision]]);
});

test("a signed bundle with JSON that only parsing would blow up is refused while everything else goes on", async () => {
  const stage = await aStage(await bundle("5"));
  const engine = await stage.start();
  const genuine = await unpackFiles(await bundle("6"));
  await stage.publish(await packFiles(new Map([...genuine, ["data.json", Buffer.from(`[${"0,".repeat(10 << 20)}0]`)]])));
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  await engine.reload();
  delay.disable();
  expect(refusals(stage)).toEqual([expect.stringContaining("policy.memoryLimitBytes")]);
  expect(delay.max / 1e6).toBeLessThan(250);
});

test("of two proxies that share their state, the slower one does not put its bundle over the kept one of the faster", async () => {
  const state = await aFolder({});
  const kept: string[] = [];
  const raise = async (revision: string) => new HighestRevision(state).raise({ revision, digest: revision }, async () => { kept.push(revision); });
  await raise("43");
  await expect(raise("42")).rejects.toThrow("is lower than 43");
  expect(kept).toEqual(["43"]);
});

test("what was in force before a start leaves an operator's pin as it is", async () => {
  const highest = new HighestRevision(await aFolder({}));
  await highest.pin("41");
  await highest.resume({ revision: "43", digest: "sha256:a" });
  expect(await highest.read()).toEqual({ revision: "41", digest: null });
});

describe("the configuration", () => {
  test.each([
    [{ service: { url: "https://b.test" } }, "needs policy.verification"],
    [{ directory: "/p", verification: { keys: { a: { keyFile: "/k" } } } }, "is for bundles"],
    [{ bundle: "/b", verification: { keys: {} } }, "1 to 16 keys"],
    [{ bundle: "/b", verification: { keys: { a: { key: "x", keyFile: "/k" } } } }, "one of them"],
    [{ service: { url: "http://b.test" }, verification: { keys: { a: { keyFile: "/k" } } } }, "must be an https URL"],
    [{ service: { url: "https://u:p@b.test" }, verification: { keys: { a: { keyFile: "/k" } } } }, "without user"],
    [{ service: { url: "https://b.test", resource: "../x" }, verification: { keys: { a: { keyFile: "/k" } } } }, "must not lead upwards"],
  ])("%j is refused", (section, reason) => {
    const parsed = policyConfig.safeParse(section);
    expect(parsed.error?.issues.map(({ message }) => message).join("; ")).toContain(reason);
  });

  test("refuses a private key, and one of a kind that signs no bundles", async () => {
    const opening = (key: string) => ReloadingPolicyEngine.open(policyConfig.parse({ bundle: "/b", verification: { keys: { release: { key } } } }), { log: silentLog, clock: systemClock, environment: {} });
    await expect(opening(keys.privatePem)).rejects.toMatchObject({ message: expect.stringContaining("policy.verification.keys.release: it is a private key"), exitCode: 78 });
    await expect(opening("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")).rejects.toThrow("no public key in PEM");
  });
});
