import { describe, expect, test } from "vitest";
import { isLeaseCurrent, leasedMaterial } from "../../../../../proxy/credentials/vault/vault-lease.ts";
import { A_BORROWER } from "../../../../support/credentials.ts";

const NEVER = new AbortController().signal;
const LEASE = { lease_id: "database/creds/reader/abc", lease_duration: 60, renewable: true };

/** A client that writes down what it is asked; its token `t1` is alive until the test says otherwise. */
function aClient(hasOwnLogin = true) {
  const asked: string[] = [];
  const stage = { asked, isAlive: true };
  return {
    stage, hasOwnLogin,
    holdToken: (_borrower: unknown, forMs: number) => { asked.push(`hold ${forMs}`); },
    isLive: (tokenId: string) => tokenId === "t1" && stage.isAlive,
    renewLease: async ({ id }: { readonly id: string }, seconds: number) => {
      asked.push(`renew ${id} by ${seconds}`);
      return 30_000;
    },
    revokeLease: async (id: string) => { asked.push(`revoke ${id}`); },
  };
}
const take = (client: ReturnType<typeof aClient>, body: unknown = LEASE) => leasedMaterial(client, A_BORROWER, { body, tokenId: "t1" }, {});

describe("material with a lease of Vault", () => {
  test("may be used as long as the lease, and keeps its token alive for as long", () => {
    const client = aClient();
    const { lifetimeMs, lease } = take(client);
    expect([lifetimeMs, lease?.id, lease?.isRenewable, lease?.reclaim, client.stage.asked]).toEqual([60_000, LEASE.lease_id, true, { kind: "vault-lease", id: LEASE.lease_id }, ["hold 60000"]]);
  });

  test("is renewed by the time that it was given first", async () => {
    const client = aClient();
    expect(await take(client).lease?.renew(NEVER)).toBe(30_000);
    expect(client.stage.asked).toContain(`renew ${LEASE.lease_id} by 60`);
  });

  test("is not current once its token is dead, and has a version that tells nothing of the lease", () => {
    const client = aClient();
    const { version } = take(client);
    expect([version, isLeaseCurrent(client, version)]).toEqual([expect.stringMatching(/^t1-[0-9a-f]{12}$/), true]);
    client.stage.isAlive = false;
    expect(isLeaseCurrent(client, version)).toBe(false);
  });

  test("is taken back by whoever can log in; where only the agent could, a dead token has done it", async () => {
    for (const [hasOwnLogin, isAlive, isAsked] of [[true, true, true], [true, false, true], [false, true, true], [false, false, false]] as const) {
      const client = aClient(hasOwnLogin);
      const { lease } = take(client);
      client.stage.isAlive = isAlive;
      await lease?.revoke(NEVER);
      expect(client.stage.asked.includes(`revoke ${LEASE.lease_id}`)).toBe(isAsked);
    }
  });

  test("cannot be taken back by another process where only the agent's token could ask", () => {
    expect(take(aClient(false)).lease?.reclaim).toBeUndefined();
  });

  test.each([
    ["without one", {}], ["with an empty one", { ...LEASE, lease_id: "" }], ["with one that is over", { ...LEASE, lease_duration: 0 }], ["with one of half a second", { ...LEASE, lease_duration: 0.5 }],
    ["with one of negative time", { ...LEASE, lease_duration: -1 }], ["with a name that could break a line", { ...LEASE, lease_id: "a\nb" }], ["that says nothing of renewal", { ...LEASE, renewable: undefined }], ["that is nothing", null],
  ])("is not made of an answer %s", (_what, body) => {
    expect(() => take(aClient(), body)).toThrow("malformed: Vault's answer holds no lease");
  });
});
