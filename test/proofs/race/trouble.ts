import { setTimeout as pause } from "node:timers/promises";
import { Client } from "pg";
import type { PostgresServer } from "../../support/postgres-server.ts";
import type { Fleet } from "./fleet.ts";

/** What happens to the proxies and their ledger while requests run, at random moments. */
export class Trouble {
  readonly #fleet: Fleet;
  readonly #postgres: PostgresServer;
  readonly #random: () => number;
  kills = 0;
  cutConnections = 0;
  ledgerRestarts = 0;

  constructor(fleet: Fleet, postgres: PostgresServer, random: () => number) {
    this.#fleet = fleet;
    this.#postgres = postgres;
    this.#random = random;
  }

  /** Kills so many proxies, one after another, each of them back before the next is chosen; and so many connections of the ledger between. */
  async make({ kills, cuts }: { readonly kills: number; readonly cuts: number }): Promise<void> {
    const cutAfter = new Set(Array.from({ length: cuts }, () => Math.floor(this.#random() * kills)));
    for (let done = 0; done < kills; done += 1) {
      await pause(100 + this.#random() * 400);
      if (cutAfter.has(done)) await this.cutConnection();
      if (await this.#fleet.crash(Math.floor(this.#random() * this.#fleet.size))) this.kills += 1;
    }
  }

  /** Ends one of the connections that the proxies hold to the ledger, from the server's side. */
  async cutConnection(): Promise<void> {
    const client = new Client({ connectionString: this.#postgres.url, application_name: "proof" });
    client.on("error", () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ pid: number }>("select pid from pg_stat_activity where backend_type = 'client backend' and application_name not in ('proof', 'judge') order by pid");
      const victim = rows[Math.floor(this.#random() * rows.length)];
      if (victim === undefined) return;
      await client.query("select pg_terminate_backend($1)", [victim.pid]);
      this.cutConnections += 1;
    } catch {
      // The ledger is away itself.
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async restartLedger(): Promise<void> {
    await this.#postgres.stop("stop");
    await pause(500 + this.#random() * 1_000);
    await this.#postgres.start();
    this.ledgerRestarts += 1;
  }
}
