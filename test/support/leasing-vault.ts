import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../common/clock.ts";
import type { EgressError } from "../../proxy/errors.ts";
import { openLender, type Lender } from "../../proxy/credentials/lender.ts";
import { aHead, A_BORROWER, CANARY, credentialSettings, someGrants } from "./credentials.ts";

/** A stand-in for Vault that logs in, leases and takes back, with faults that a real one cannot be told to have; and a lender that asks it. */
export interface LeasingVault {
  readonly lender: Lender;
  /** Alive, in the order of their logins. */
  readonly tokens: ReadonlySet<string>;
  /** Alive. */
  readonly leases: ReadonlySet<string>;
  /** What was asked: `token path`. */
  readonly asked: readonly string[];
  /** Outcomes of the records that something was taken back. */
  revoked(): string[];
  logins(): number;
  /** Answers requests below a path with a status; the first so many, or all. */
  refuse(path: string, status: number, times?: number): void;
  /** Answers below the path, but this much later than it acts. */
  delay(path: string, ms: number): void;
  /** @returns `lent`, or why not */
  lend(grant: string, instance?: string): Promise<string>;
  until(isTrue: () => boolean): Promise<void>;
  close(): Promise<void>;
}

interface Fault {
  readonly path: string;
  readonly status: number;
  times: number;
}

const DEADLINE_MS = 8_000;

class Store {
  readonly tokens = new Set<string>();
  readonly leases = new Set<string>();
  readonly asked: string[] = [];
  readonly faults: Fault[] = [];
  readonly delays = new Map<string, number>();
  #made = 0;

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    const token = String(request.headers["x-vault-token"] ?? "");
    const body = await text(Readable.from(request));
    this.asked.push(`${token} ${path}`);
    const fault = this.faults.find((one) => one.times > 0 && path.startsWith(one.path));
    if (fault !== undefined) fault.times -= 1;
    const answer = fault === undefined ? this.#act(path, token, body) : {};
    const delay = [...this.delays].find(([prefix]) => path.startsWith(prefix));
    if (delay !== undefined) await pause(delay[1]);
    response.writeHead(fault?.status ?? 200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  }

  #act(path: string, token: string, body: string): unknown {
    if (path.endsWith("/login")) {
      const made = `t${this.#made += 1}`;
      this.tokens.add(made);
      return { auth: { client_token: made, accessor: `accessor-${made}`, lease_duration: 3_600, renewable: true } };
    }
    if (path === "/v1/auth/token/revoke-self") this.tokens.delete(token);
    if (path === "/v1/sys/leases/revoke") this.leases.delete((JSON.parse(body) as { lease_id: string }).lease_id);
    if (path.startsWith("/v1/database/creds/")) {
      const id = `${path.slice(4)}/${this.#made += 1}`;
      this.leases.add(id);
      return { lease_id: id, lease_duration: 3_600, renewable: true, data: { username: "u", password: CANARY } };
    }
    return { data: { data: { value: CANARY }, metadata: { version: 1, destroyed: false, deletion_time: "" } } };
  }
}

/** @param over of `credentials`; its `vault` without the address, and the file of its secret id is `secretIdFile` if it logs in with one */
export async function openLeasingVault(grants: Readonly<Record<string, unknown>>, over: Readonly<Record<string, unknown>>): Promise<LeasingVault> {
  const folder = await mkdtemp(join(tmpdir(), "weir-leasing-vault-"));
  const secretIdFile = join(folder, "secret-id");
  await writeFile(secretIdFile, "secret-id", { mode: 0o600 });
  const store = new Store();
  const server = createServer((request, response) => { void store.answer(request, response); });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { auth = { method: "approle", roleId: "r", secretIdFile }, ...vault } = (over["vault"] ?? {}) as Record<string, unknown>;
  const outcomes: string[] = [];
  const lender = openLender({
    grants: someGrants(grants),
    credentials: credentialSettings({ ...over, vault: { ...vault, auth, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } }),
  }, { environment: {}, leaseDirectory: join(folder, "leases"), onEvent: ({ event, outcome }) => { if (event === "credential.revoked") outcomes.push(outcome); } }, systemClock);
  return {
    lender, tokens: store.tokens, leases: store.leases, asked: store.asked,
    revoked: () => outcomes,
    logins: () => store.asked.filter((line) => line.endsWith("/login")).length,
    refuse: (path, status, times = Number.POSITIVE_INFINITY) => { store.faults.push({ path, status, times }); },
    delay: (path, ms) => { store.delays.set(path, ms); },
    lend: async (grant, instance = "i1") => {
      const borrower = { ...A_BORROWER, agent: { ...A_BORROWER.agent, instance } };
      const lent = lender.lend([grant], borrower, aHead({ host: "a.example.test" }), new AbortController().signal);
      return lent.then(() => "lent", (error: unknown) => (error as EgressError).message);
    },
    until: async (isTrue) => {
      for (const endMs = performance.now() + DEADLINE_MS; !isTrue() && performance.now() < endMs;) await pause(20);
    },
    close: async () => {
      await lender.close();
      server.close();
      server.closeAllConnections();
      await rm(folder, { recursive: true });
    },
  };
}
