import { describe, expect, test } from "vitest";
import { Secret } from "../../../../../common/secret.ts";
import { TokenLeases } from "../../../../../proxy/credentials/vault/token-leases.ts";
import { leaseStand, settled } from "../../../../support/lease-stand.ts";

const tokenOf = (text: string) => ({ secret: new Secret(text), lifetimeMs: 3_600_000 });

function tokens(hasOwnLogin = true) {
  const asked: string[] = [];
  const broken = { self: false };
  const stand = leaseStand();
  const client = {
    hasOwnLogin,
    endSession: async (instance: string) => { asked.push(`end ${instance}`); },
    revokeToken: async (secret: Secret) => {
      asked.push(`self ${secret.reveal()}`);
      if (broken.self) throw new Error("unreachable");
    },
    revokeAccessor: async (accessor: string) => { asked.push(`accessor ${accessor}`); },
  };
  const revoked = () => stand.events.filter(({ event }) => event === "credential.revoked").map(({ outcome }) => outcome);
  return { ...stand, asked, broken, revoked, leases: new TokenLeases(stand.desk, () => client) };
}

describe("tokens of logins", () => {
  test("of an instance are given back with it, and those of others are not", async () => {
    const { leases, asked } = tokens();
    await leases.enter("a1", "i1", tokenOf("t1"));
    await leases.enter("a2", "i2", tokenOf("t2"));
    await leases.end("i1", "ended");
    expect([asked, leases.instances]).toEqual([["end i1", "self t1"], ["i2"]]);
    await leases.end("i1", "ended");
    expect(asked.filter((call) => call.startsWith("self"))).toEqual(["self t1"]);
  });

  test("that cannot give themselves back are taken back by the proxy, by their accessor", async () => {
    const { leases, asked, broken } = tokens();
    broken.self = true;
    await leases.enter("a1", "i1", tokenOf("t1"));
    await leases.end("i1", "ended");
    expect(asked).toEqual(["end i1", "self t1", "accessor a1"]);
  });

  test("are asked to give themselves back until Vault confirms it, where the proxy has no login of its own", async () => {
    const { leases, asked, broken, rhythm, revoked } = tokens(false);
    broken.self = true;
    await leases.enter("a1", "i1", tokenOf("t1"));
    const ended = leases.end("i1", "ended");
    await rhythm.pass(1_000);
    expect(revoked()).toEqual(["failed"]);
    broken.self = false;
    await rhythm.pass(10_000);
    await ended;
    expect([revoked(), new Set(asked)]).toEqual([["failed", "succeeded"], new Set(["end i1", "self t1"])]);
  });

  test.each([["i1"], [null]])("are given back when another login of %s takes their place", async (instance) => {
    const { leases, asked } = tokens();
    await leases.enter("a1", instance, tokenOf("t1"));
    await leases.enter("a2", instance, tokenOf("t2"));
    await settled();
    expect(asked).toEqual(["self t1"]);
  });

  test("are not counted among what is leased", async () => {
    const { leases, desk } = tokens();
    await leases.enter("a1", "i1", tokenOf("t1"));
    expect(desk.out).toBe(0);
  });

  test("of the proxy are struck when they are confirmed to be gone, without asking", async () => {
    const { leases, asked } = tokens();
    await leases.enter("a1", null, tokenOf("t1"));
    await leases.strikeOwn();
    await settled();
    expect(asked).toEqual([]);
  });
});
