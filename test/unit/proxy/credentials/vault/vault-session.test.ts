import { describe, expect, test } from "vitest";
import type { SourceError } from "../../../../../proxy/credentials/secret-source.ts";
import type { VaultCall } from "../../../../../proxy/credentials/vault/vault-api.ts";
import { LoginSession, type HeldToken } from "../../../../../proxy/credentials/vault/vault-session.ts";
import { VaultRefusal } from "../../../../../proxy/credentials/vault/vault-transport.ts";
import { A_BORROWER } from "../../../../support/credentials.ts";
import { TestClock } from "../../../../support/test-clock.ts";

const NEVER = new AbortController().signal;
const MINUTE_MS = 60_000;

/** A server of tokens that live for ten minutes, and a session with it whose pauses end when the test says so. */
class SessionStage {
  readonly clock = new TestClock();
  readonly calls: string[] = [];
  readonly noted: string[] = [];
  readonly live = new Map<string, HeldToken>();
  /** What the server says to the next calls of a kind. */
  readonly faults = new Map<string, SourceError>();
  lifeSeconds = 600;
  renewedSeconds = 600;
  isRenewable = true;
  onLogin = async (): Promise<void> => {};
  readonly pauses: { readonly ms: number; readonly end: () => void }[] = [];
  readonly session: LoginSession;
  #logins = 0;

  constructor() {
    const pause = async (ms: number, signal: AbortSignal) => new Promise<void>((resolve, reject) => {
      this.pauses.push({ ms, end: resolve });
      signal.addEventListener("abort", () => { reject(signal.reason as Error); });
      if (signal.aborted) reject(signal.reason as Error);
    });
    this.session = new LoginSession({ method: "jwt", mount: "jwt", role: "agent" }, {
      api: { call: async (call) => this.#answer(call) }, rhythm: { clock: this.clock, random: () => 0, pause }, live: this.live,
      onLogin: async (accessor) => { this.noted.push(accessor); await this.onLogin(); },
    });
  }

  readonly token = async (): Promise<string> => (await this.session.token(A_BORROWER, NEVER)).secret.reveal();

  count(name: string): number {
    return this.calls.filter((call) => call === name).length;
  }

  /** The pause before the next renewal is over. */
  async pass(): Promise<void> {
    const pause = this.pauses.at(-1)!;
    this.clock.advance(pause.ms);
    pause.end();
    await new Promise(setImmediate);
  }

  #answer({ segments }: VaultCall): unknown {
    const name = segments.at(-1) ?? "";
    this.calls.push(name);
    const fault = this.faults.get(name);
    if (fault !== undefined) throw fault;
    if (name === "login") this.#logins += 1;
    const seconds = name === "login" ? this.lifeSeconds : this.renewedSeconds;
    return { auth: { client_token: `token-${this.#logins}`, accessor: `accessor-${this.#logins}`, lease_duration: seconds, renewable: this.isRenewable } };
  }
}

describe("a session with Vault", () => {
  test("logs in once for a thousand who wait, and notes the accessor before anybody has the token", async () => {
    const stage = new SessionStage();
    const gate = Promise.withResolvers<void>();
    stage.onLogin = async () => gate.promise;
    let got = 0;
    const waiting = Array.from({ length: 1_000 }, async () => stage.token().then(() => { got += 1; }));
    await new Promise(setImmediate);
    expect([stage.noted, got]).toEqual([["accessor-1"], 0]);
    gate.resolve();
    await Promise.all(waiting);
    expect([stage.count("login"), got]).toEqual([1, 1_000]);
  });

  test("gives one that waits its own end, and goes on for the others", async () => {
    const stage = new SessionStage();
    const gate = Promise.withResolvers<void>();
    stage.onLogin = async () => gate.promise;
    const leaving = new AbortController();
    const one = stage.session.token(A_BORROWER, leaving.signal);
    const other = stage.token();
    leaving.abort(new Error("the request is gone"));
    await expect(one).rejects.toThrow("the request is gone");
    gate.resolve();
    expect(await other).toBe("token-1");
  });

  test("keeps the token no longer than it lives, whatever is set as the time of day", async () => {
    const stage = new SessionStage();
    stage.isRenewable = false;
    await stage.token();
    stage.clock.jump(300 * MINUTE_MS);
    expect(await stage.token()).toBe("token-1");
    stage.clock.advance(10 * MINUTE_MS - 1);
    expect(await stage.token()).toBe("token-1");
    stage.clock.advance(1);
    expect([await stage.token(), stage.live.size]).toEqual(["token-2", 1]);
  });

  test("renews at two thirds of the life while it is used, and lets an unused token run out", async () => {
    const stage = new SessionStage();
    await stage.token();
    expect(Math.round((stage.pauses[0]?.ms ?? 0) / 1_000)).toBe(400);
    await stage.pass();
    expect(stage.count("renew-self")).toBe(1);
    await stage.pass();
    await stage.pass();
    expect(stage.count("renew-self")).toBe(1);
  });

  test("renews an unused token while something that was leased with it lives", async () => {
    const stage = new SessionStage();
    await stage.token();
    stage.session.holdUntil(stage.clock.monotonicMs() + 30 * MINUTE_MS);
    for (let times = 0; times < 3; times += 1) await stage.pass();
    expect(stage.count("renew-self")).toBe(3);
  });

  test("drops the token when a renewal is refused, and logs in for the next request", async () => {
    const stage = new SessionStage();
    await stage.token();
    stage.faults.set("renew-self", new VaultRefusal(403, 0));
    await stage.pass();
    expect(stage.live.size).toBe(0);
    expect(await stage.token()).toBe("token-2");
  });

  test("tries a renewal again while the fault may pass, and keeps the token until its end", async () => {
    const stage = new SessionStage();
    await stage.token();
    stage.faults.set("renew-self", new VaultRefusal(503, 0));
    await stage.pass();
    await stage.pass();
    expect([await stage.token(), stage.count("renew-self")]).toEqual(["token-1", 2]);
    stage.faults.clear();
    await stage.pass();
    stage.clock.advance(9 * MINUTE_MS);
    expect(await stage.token()).toBe("token-1");
  });

  test("renews no more when the server gives next to nothing: the longest life is reached", async () => {
    const stage = new SessionStage();
    await stage.token();
    stage.renewedSeconds = 100;
    await stage.pass();
    const { length } = stage.pauses;
    stage.clock.advance(100_000);
    expect([await stage.token(), stage.count("renew-self"), length]).toEqual(["token-2", 1, 1]);
  });

  test("does not use a token that could not be noted, and gives it back", async () => {
    const stage = new SessionStage();
    stage.onLogin = async () => { throw new Error("the disk is full"); };
    await expect(stage.token()).rejects.toMatchObject({ fault: "down" });
    expect([stage.count("revoke-self"), stage.live.size]).toEqual([1, 0]);
  });

  test("knows a dead token from a request that is forbidden", async () => {
    const stage = new SessionStage();
    const token = await stage.session.token(A_BORROWER, NEVER);
    expect(await stage.session.isLost(token, NEVER)).toBe(false);
    stage.faults.set("lookup-self", new VaultRefusal(503, 0));
    expect(await stage.session.isLost(token, NEVER)).toBe(false);
    stage.faults.set("lookup-self", new VaultRefusal(403, 0));
    expect(await stage.session.isLost(token, NEVER)).toBe(true);
    expect([stage.live.size, await stage.token()]).toEqual([0, "token-2"]);
  });

  test("believes the next 403 when another login did not help: each login is one more token", async () => {
    const stage = new SessionStage();
    stage.faults.set("lookup-self", new VaultRefusal(403, 0));
    const lost = async () => stage.session.isLost(await stage.session.token(A_BORROWER, NEVER), NEVER);
    expect([await lost(), await lost(), await lost()]).toEqual([true, false, false]);
    stage.clock.advance(MINUTE_MS);
    expect(await lost()).toBe(true);
    stage.clock.advance(2 * MINUTE_MS - 1);
    expect(await lost()).toBe(false);
    stage.session.noteLoginHelped();
    expect([await lost(), stage.count("login")]).toEqual([true, 3]);
  });

  test("reads the token of a login that is on its way when it ends, so that it can be given back, and gives it to nobody", async () => {
    const stage = new SessionStage();
    const gate = Promise.withResolvers<void>();
    stage.onLogin = async () => gate.promise;
    const token = stage.token();
    token.catch(() => undefined);
    await new Promise(setImmediate);
    const ended = stage.session.end();
    gate.resolve();
    await ended;
    await expect(token).rejects.toMatchObject({ fault: "forbidden" });
    expect([stage.noted, stage.live.size]).toEqual([["accessor-1"], 0]);
  });

  test("gives the token back when it ends, and none after", async () => {
    const stage = new SessionStage();
    await stage.token();
    await stage.session.revoke(NEVER);
    await expect(stage.token()).rejects.toMatchObject({ fault: "forbidden" });
    expect([stage.count("revoke-self"), stage.live.size]).toEqual([1, 0]);
  });

  test.each([[400, "forbidden"], [403, "forbidden"], [503, "sealed"], [429, "rate-limited"]] as const)("that is answered %i at the login fails as %s, and tries again for the next", async (status, fault) => {
    const stage = new SessionStage();
    stage.faults.set("login", new VaultRefusal(status, 0));
    await expect(stage.token()).rejects.toMatchObject({ fault, message: `${fault}: login by jwt: Vault answered ${status}` });
    stage.faults.clear();
    expect(await stage.token()).toBe("token-1");
  });
});
