import { EgressError } from "../errors.ts";
import type { Peer } from "../model/connection.ts";
import type { ConnectionConfig } from "./config.ts";

type Limits = Pick<ConnectionConfig, "maxConnections" | "maxConnectionsPerInstance">;

/**
 * Counts open connections: all together, and for each owner. Until a connection is identified its owner is the peer, so that a pod that
 * dials the proxy without a preamble cannot take the places of the others.
 */
export class ConnectionSlots {
  readonly #limits: Limits;
  readonly #owners = new Map<string, string>();
  readonly #held = new Map<string, number>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get open(): number {
    return this.#owners.size;
  }

  /** Takes a place for the connection. @throws EgressError `connection.limit` */
  enter(id: string, peer: Peer): void {
    if (this.open >= this.#limits.maxConnections) throw new EgressError("connection.limit", `${this.open} connections are open`);
    this.#own(id, peer.kind === "unix" ? "peer unix" : `peer ${peer.address}`);
  }

  /** From now on the place is the instance's. @throws EgressError `connection.limit` */
  identify(id: string, instance: string): void {
    const before = this.#owners.get(id);
    this.#own(id, `instance ${instance}`);
    if (before !== undefined) this.#give(before);
  }

  /** Gives the place back; harmless for a connection that has none. */
  leave(id: string): void {
    const owner = this.#owners.get(id);
    this.#owners.delete(id);
    if (owner !== undefined) this.#give(owner);
  }

  #own(id: string, owner: string): void {
    const held = this.#held.get(owner) ?? 0;
    if (held >= this.#limits.maxConnectionsPerInstance) throw new EgressError("connection.limit", `${owner} holds ${held} connections`);
    this.#held.set(owner, held + 1);
    this.#owners.set(id, owner);
  }

  #give(owner: string): void {
    const held = this.#held.get(owner) ?? 0;
    if (held > 1) this.#held.set(owner, held - 1);
    else this.#held.delete(owner);
  }
}
