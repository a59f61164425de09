import { agentKey, type BoundarySet } from "../../common/boundary-set.ts";
import { PLATFORM_GRANT } from "../../common/labels.ts";
import { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { Holdings, HoldingsBook } from "../model/holdings.ts";

/** Who holds what, by the boundary that is in force. */
export class BoundaryHoldings implements HoldingsBook {
  #agents: ReadonlyMap<string, Holdings> | null = null;

  /** Everybody whom the set names may ask the controller, also a thread whose grants were narrowed: the controller itself judges what about. */
  replace({ agents }: Pick<BoundarySet, "agents">): void {
    this.#agents = new Map(Object.entries(agents).map(([key, { grants, budgets }]) => [key, { grants: [...new Set([...grants, PLATFORM_GRANT])], budgets }]));
  }

  of({ namespace, name, grants: narrowed }: AgentIdentity): Holdings | null {
    if (this.#agents === null) throw new EgressError("identity.unavailable", "no boundary was received yet");
    const held = this.#agents.get(agentKey(namespace, name));
    if (held === undefined) return null;
    return narrowed === undefined ? held : { ...held, grants: held.grants?.filter((grant) => grant === PLATFORM_GRANT || narrowed.includes(grant)) ?? [] };
  }
}
