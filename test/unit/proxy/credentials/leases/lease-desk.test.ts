import { describe, expect, test } from "vitest";
import type { LeaseBook } from "../../../../../proxy/credentials/leases/lease-book.ts";
import { SourceError, type Lease } from "../../../../../proxy/credentials/secret-source.ts";
import { leaseStand, settled } from "../../../../support/lease-stand.ts";

const OWNER = { grant: "db", place: "store:role", instance: "i1", thread: "t1" };

function aLease(id: string, revoke: () => Promise<void> = async () => {}): Lease {
  return { id, isRenewable: false, renew: async () => 0, revoke, reclaim: { kind: "vault-lease", id } };
}

/** One that no other process could take back. */
function unbooked(id: string, revoke: () => Promise<void>): Lease {
  return { id, isRenewable: false, renew: async () => 0, revoke };
}

const hangs = async () => Promise.withResolvers<void>().promise;

/** A book that keeps what it is told, or cannot. */
function aBook(isBroken = false) {
  const lines: string[] = [];
  const write = async (line: string) => {
    if (isBroken) throw new Error("disk full");
    lines.push(line);
  };
  const book = { enter: async ({ id }: { id: string }) => write(`+${id}`), strike: async ({ id }: { id: string }) => write(`-${id}`), close: async () => { lines.push("closed"); } };
  return { book: book as unknown as LeaseBook, lines };
}

describe("the desk of leases", () => {
  test("writes a lease down before it may be used, and strikes it when the store has it back", async () => {
    const { book, lines } = aBook();
    const { desk } = leaseStand(book);
    const lease = aLease("a");
    await desk.enter(lease, OWNER);
    expect([lines, desk.out]).toEqual([["+a"], 1]);
    await desk.giveBack(lease, OWNER, "ended");
    expect([lines, desk.out]).toEqual([["+a", "-a"], 0]);
  });

  test("lets nobody use a lease that could not be written down, and gives it back", async () => {
    const { desk, events } = leaseStand(aBook(true).book);
    let revoked = 0;
    await expect(desk.enter(aLease("a", async () => { revoked += 1; }), OWNER)).rejects.toThrow("unsafe: the lease could not be written down");
    await settled();
    expect([revoked, events.map(({ event }) => event)]).toEqual([1, ["credential.revoked"]]);
  });

  test("gives a lease back once, however many ask for it", async () => {
    const { desk } = leaseStand();
    let revoked = 0;
    const lease = aLease("a", async () => { revoked += 1; });
    await Promise.all(Array.from({ length: 10 }, async () => desk.giveBack(lease, OWNER, "ended")));
    expect(revoked).toBe(1);
  });

  test("gives back sixteen at a time, and all of them in the end", async () => {
    const { desk } = leaseStand();
    const gates = Array.from({ length: 40 }, () => Promise.withResolvers<void>());
    let begun = 0;
    const done = Promise.all(gates.map(async (gate, index) => desk.giveBack(aLease(`l${index}`, async () => {
      begun += 1;
      await gate.promise;
    }), OWNER, "ended")));
    await settled();
    expect(begun).toBe(16);
    for (const gate of gates) gate.resolve();
    await done;
    expect(begun).toBe(40);
  });

  test("leaves to its own time what is in no book, after it was refused for minutes", async () => {
    const { desk, rhythm, events } = leaseStand();
    let tries = 0;
    const { reclaim: _none, ...lease } = aLease("a", async () => {
      tries += 1;
      throw new SourceError("forbidden", "gone");
    });
    await desk.enter(lease, OWNER);
    const back = desk.giveBack(lease, OWNER, "ended");
    await rhythm.pass(3_600_000);
    await back;
    expect([tries, desk.out, events.filter(({ event }) => event === "credential.revoked").length]).toEqual([30, 0, 1]);
  });

  test("gives back for one grant though another hangs, however much is on its way there", async () => {
    const { desk } = leaseStand();
    for (let index = 0; index < 200; index += 1) void desk.giveBack(aLease(`stuck-${index}`, hangs), { ...OWNER, grant: "tarpit" }, "ended");
    let revoked = 0;
    await desk.giveBack(aLease("good", async () => { revoked += 1; }), OWNER, "ended");
    expect(revoked).toBe(1);
  });

  test("has no more leased for a grant whose store takes too little back", async () => {
    const { desk } = leaseStand();
    const stuck = { ...OWNER, grant: "tarpit" };
    for (let index = 0; index < 1_023; index += 1) void desk.giveBack(aLease(`stuck-${index}`, hangs), stuck, "ended");
    desk.requireRoom(stuck);
    void desk.giveBack(aLease("one more", hangs), stuck, "ended");
    expect(() => { desk.requireRoom(stuck); }).toThrow("resting: too many leases wait to be taken back");
    desk.requireRoom(OWNER);
  });

  test("tries to give back what is in no book for as long as it lives, and no longer", async () => {
    const { desk, rhythm } = leaseStand();
    let tries = 0;
    const lease = unbooked("a", async () => { tries += 1; throw new Error("gone"); });
    await desk.enter(lease, OWNER, 60_000);
    const back = desk.giveBack(lease, OWNER, "ended");
    await rhythm.pass(59_000);
    expect(desk.out).toBe(1);
    await rhythm.pass(11_000);
    await back;
    const before = tries;
    await rhythm.pass(60_000);
    expect([desk.out, tries]).toEqual([0, before]);
  });

  test("leaves in the book what the store has not confirmed when it closes, and waits no longer", async () => {
    const { book, lines } = aBook();
    const { desk } = leaseStand(book);
    const lease = aLease("a", async () => { throw new Error("gone"); });
    await desk.enter(lease, OWNER);
    const back = desk.giveBack(lease, OWNER, "the proxy stops");
    await settled();
    await desk.close();
    await back;
    expect(lines).toEqual(["+a", "closed"]);
  });
});
