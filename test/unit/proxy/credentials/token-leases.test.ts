import { describe, expect, test } from "vitest";
import { TokenLeases } from "../../../../proxy/credentials/token-leases.ts";
import { leaseStand, settled } from "../../../support/lease-stand.ts";

function tokens(hasOwnLogin = true) {
  const asked: string[] = [];
  const broken = { self: false };
  const stand = leaseStand();
  const client = {
    hasOwnLogin,
    revokeSelf: async (instance: string) => {
      asked.push(`self ${instance}`);
      if (broken.self) throw new Error("unreachable");
    },
    revokeAccessor: async (accessor: string) => { asked.push(`accessor ${accessor}`); },
  };
  return { ...stand, asked, broken, leases: new TokenLeases(stand.desk, () => client) };
}

describe("tokens of logins", () => {
  test("of an instance are given back with it, and those of others are not", async () => {
    const { leases, asked, desk } = tokens();
    await leases.enter("a1", "i1");
    await leases.enter("a2", "i2");
    await leases.end("i1", "ended");
    await leases.end("i1", "ended");
    expect([asked, desk.out, leases.instances]).toEqual([["self i1"], 1, ["i2"]]);
  });

  test("that cannot give themselves back are taken back by the proxy, by their accessor", async () => {
    const { leases, asked, broken, rhythm } = tokens();
    broken.self = true;
    await leases.enter("a1", "i1");
    const ended = leases.end("i1", "ended");
    await rhythm.pass(1_000);
    await ended;
    expect(asked).toEqual(["self i1", "accessor a1"]);
  });

  test("are left to their time where the proxy has no login of its own to take them back with", async () => {
    const { leases, asked, broken, rhythm } = tokens(false);
    broken.self = true;
    await leases.enter("a1", "i1");
    const ended = leases.end("i1", "ended");
    await rhythm.pass(1_000);
    await ended;
    expect(asked).toEqual(["self i1"]);
  });

  test("of the proxy are struck when they are confirmed to be gone, without asking", async () => {
    const { leases, asked, desk } = tokens();
    await leases.enter("a1", null);
    expect(desk.out).toBe(1);
    await leases.strikeOwn();
    await settled();
    expect([asked, desk.out]).toEqual([[], 0]);
  });
});
