import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLog } from "../../../../../common/log.ts";
import { LeaseBook } from "../../../../../proxy/credentials/leases/lease-book.ts";
import type { CredentialEvent } from "../../../../../proxy/credentials/leases/lease-desk.ts";
import { reclaimOrphans } from "../../../../../proxy/credentials/leases/orphans.ts";
import { SourceError, type Reclaim } from "../../../../../proxy/credentials/secret-source.ts";
import { TestRhythm } from "../../../../support/lease-stand.ts";
import { eventually } from "../../../../support/whole-proxy.ts";

const STORE = "https://store.test/";

describe("orphans", () => {
  let directory: string;
  let taken: string[];
  let events: CredentialEvent[];
  let rhythm: TestRhythm;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "weir-orphans-"));
    [taken, events, rhythm] = [[], [], new TestRhythm()];
  });
  afterEach(() => { rmSync(directory, { recursive: true }); });

  /** A process that leased and was killed: its book is there, its lock is not. */
  async function leave(ids: readonly Reclaim[], store = STORE): Promise<void> {
    const book = new LeaseBook(directory, store);
    for (const id of ids) await book.enter(id, { grant: "db", instance: "i1" }, rhythm.clock.nowMs());
    await book.close();
  }
  const lease = (id: string) => ({ kind: "vault-lease", id }) as const;
  const reclaimed = async (reclaim: (orphan: Reclaim) => Promise<void>, signal = new AbortController().signal) =>
    reclaimOrphans({ directory, store: STORE, reclaim, rhythm, log: silentLog, onEvent: (event) => { events.push(event); } }, signal);
  const takesBack = async ({ id }: Reclaim) => { taken.push(id); };

  test("are all taken back, tokens first, and leave no book", async () => {
    await leave([lease("a"), { kind: "vault-accessor", id: "t" }]);
    await leave([lease("b")]);
    await reclaimed(takesBack);
    expect(taken.toSorted()).toEqual(["a", "b", "t"]);
    expect(taken.indexOf("t")).toBeLessThan(taken.indexOf("a"));
    expect(readdirSync(directory)).toEqual([]);
    expect(events.map(({ event, outcome }) => [event, outcome])).toEqual(Array.from({ length: 3 }, () => ["credential.revoked", "succeeded"]));
  });

  test("are tried again until the store confirms", async () => {
    await leave([lease("a")]);
    let tries = 0;
    const done = reclaimed(async (orphan) => {
      tries += 1;
      if (tries < 4) throw new SourceError("sealed", "scripted");
      await takesBack(orphan);
    });
    await eventually("it was tried once", () => tries === 1);
    await rhythm.pass(60_000);
    await done;
    expect([tries, taken]).toEqual([4, ["a"]]);
    expect(events.map(({ outcome }) => outcome)).toEqual(["failed", "succeeded"]);
  });

  test("stay in the book while the store has not confirmed, though this process ends too", async () => {
    await leave([lease("a")]);
    const stop = new AbortController();
    let tries = 0;
    const done = reclaimed(async () => {
      tries += 1;
      throw new SourceError("unreachable", "scripted");
    }, stop.signal);
    await eventually("it was tried", () => tries === 1);
    stop.abort();
    await done;
    await reclaimed(takesBack);
    expect(taken).toEqual(["a"]);
  });

  test("of another store are left for when that one is configured again", async () => {
    await leave([lease("a")], "https://other.test/");
    await reclaimed(takesBack);
    expect([taken, readdirSync(directory).filter((name) => name.endsWith(".book")).length]).toEqual([[], 1]);
  });
});
