import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { PLATFORM_NAME } from "../../common/labels.ts";
import type { KubeObject } from "../../common/kube/kube-api.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { LifecycleRecord } from "../model/record.ts";
import { keep, readKept } from "./boundary-file.ts";
import type { BoundaryHoldings } from "./holdings.ts";
import { readBoundary, type Boundary } from "./read-boundary.ts";

const HTTPS_PORT = 443;

type Prepare = (entries: Readonly<Record<string, unknown>>) => { readonly problems: readonly string[]; readonly apply: () => void };

/** What the boundary changes in the rooms. Each gets ready by itself; then all of it comes into force in one turn. */
export interface BoundaryRooms {
  readonly policy: { adopt(bundle: { readonly packed: Uint8Array; readonly revision: string }, together: () => void): Promise<void> };
  readonly credentials: { readonly prepare: Prepare };
  readonly budget: { readonly prepare: Prepare };
  readonly upstream: { pin(name: string, port: number, to: { readonly address: string; readonly port: number; readonly caPem: string } | null): void };
  readonly live: { endWhere(isMeant: (agent: AgentIdentity) => boolean, reason: Error): void };
}

export interface KeeperOptions {
  readonly log: Log;
  readonly holdings: BoundaryHoldings;
  /** Where the last good boundary is kept. */
  readonly file: string;
  readonly controllerCaFile: string;
  readonly onEvent: (event: Pick<LifecycleRecord, "event" | "outcome" | "fields">) => void;
}

/** What is in force, and what is wrong with what came last. */
export interface BoundaryState {
  readonly revision: string | null;
  readonly agents: number;
  readonly platform: { readonly address: string; readonly port: number } | null;
  /** Null: the last document is in force as it is. */
  readonly trouble: string | null;
}

/**
 * Puts in force what the controller says, one document after the other, and keeps the last good one on the disk: a proxy that starts while
 * the API server is down is as strict as the one before. A document that is not fit changes nothing. One grant or budget that is not fit is left
 * out, and whoever needs it is refused: somebody's slip must not keep everybody else's revocations from coming into force.
 */
export class BoundaryKeeper {
  readonly #options: KeeperOptions;
  #rooms: BoundaryRooms | null = null;
  #last: Boundary | null = null;
  #trouble: string | null = null;
  #applying: Promise<void> = Promise.resolve();
  /** The newest document that was not looked at yet; those in between are never in force. */
  #next: KubeObject | null = null;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  get state(): BoundaryState {
    const set = this.#last?.set;
    return { revision: set?.revision ?? null, agents: Object.keys(set?.agents ?? {}).length, platform: set?.platform ?? null, trouble: this.#trouble };
  }

  /** What the policy room loads when it is told to load again. */
  heldBundle(): { readonly packed: Uint8Array; readonly revision: string } | null {
    return this.#last === null ? null : { packed: this.#last.bundle, revision: this.#last.set.revision };
  }

  /** Joins the rooms and puts in force what was kept before this start. If that is not fit, everything is refused until the API server says more. */
  async join(rooms: BoundaryRooms): Promise<void> {
    this.#rooms = rooms;
    try {
      const kept = await readKept(this.#options.file);
      if (kept !== null) await this.#apply(await readBoundary(kept), rooms);
    } catch (error) {
      this.#refuse(`the kept boundary: ${describeError(error)}`);
    }
  }

  /** Takes a new document. Never throws: what is wrong with it is reported. */
  take(object: KubeObject | null): Promise<void> {
    if (object === null) {
      this.#refuse("the ConfigMap is gone; the last boundary stays in force");
      return this.#applying;
    }
    this.#next = object;
    this.#applying = this.#applying.then(() => this.#takeNext());
    return this.#applying;
  }

  async #takeNext(): Promise<void> {
    const object = this.#next;
    this.#next = null;
    const rooms = this.#rooms;
    if (object === null || rooms === null) return;
    try {
      const boundary = await readBoundary(object);
      if (boundary.set.revision === this.#last?.set.revision && boundary.bundle.equals(this.#last.bundle)) {
        this.#trouble = null;
        return;
      }
      await this.#apply(boundary, rooms);
    } catch (error) {
      this.#refuse(describeError(error));
      return;
    }
    await keep(this.#options.file, object["binaryData"]).catch((error: unknown) => {
      this.#options.log.error("boundary.unkept", { file: this.#options.file, error: describeError(error) });
    });
  }

  /** @throws if the bundle is not fit, or the controller's CA cannot be read; nothing has changed then */
  async #apply(boundary: Boundary, { policy, credentials, budget, upstream, live }: BoundaryRooms): Promise<void> {
    const { set, bundle } = boundary;
    const { holdings } = this.#options;
    const parts = [credentials.prepare(set.grants), budget.prepare(set.budgets)];
    const caPem = await readCa(this.#options.controllerCaFile);
    await policy.adopt({ packed: bundle, revision: set.revision }, () => {
      for (const { apply } of parts) apply();
      upstream.pin(PLATFORM_NAME, HTTPS_PORT, set.platform === null ? null : { ...set.platform, caPem });
      holdings.replace(set);
      this.#last = boundary;
    });
    live.endWhere((agent) => holdings.of(agent) === null, new EgressError("identity.rejected", "the agent is no longer part of the boundary"));
    this.#report(set.revision, parts.flatMap(({ problems }) => problems));
  }

  #report(revision: string, problems: readonly string[]): void {
    this.#trouble = problems.length === 0 ? null : problems.join("; ");
    this.#options.log[problems.length === 0 ? "info" : "warn"]("boundary.applied", { revision, ...(problems.length === 0 ? {} : { leftOut: problems }) });
    const leftOut = this.#trouble === null ? {} : { leftOut: this.#trouble };
    this.#options.onEvent({ event: "boundary.applied", outcome: "succeeded", fields: { revision, agents: this.state.agents, ...leftOut } });
  }

  #refuse(error: string): void {
    const kept = this.#last?.set.revision ?? "none";
    this.#trouble = error;
    this.#options.log.error("boundary.refused", { error, kept });
    this.#options.onEvent({ event: "boundary.refused", outcome: "failed", fields: { error, kept } });
  }
}

/** @throws Error if it holds no certificate: found out before anything is put in force */
async function readCa(path: string): Promise<string> {
  const pem = await readFile(path, "utf8");
  if (!pem.includes("-----BEGIN CERTIFICATE-----")) throw new Error(`${path} holds no PEM certificate`);
  createSecureContext({ ca: pem });
  return pem;
}
