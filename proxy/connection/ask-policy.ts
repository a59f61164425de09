import { destinationHost, type Classified } from "../model/connection.ts";
import type { Decision } from "../model/decision.ts";
import { withinHoldings } from "../model/holdings.ts";
import type { PolicyInput } from "../policy/policy-engine.ts";
import type { Rooms } from "../rooms.ts";

/**
 * Asks policy the question `connection`: may this agent open this connection at all? Asked when it opens and again whenever policy, or what
 * the agent holds, changes.
 * @throws EgressError `policy.unavailable`, `identity.unavailable`
 */
export async function askPolicy(classified: Classified, rooms: Rooms): Promise<Decision> {
  const startedMs = rooms.clock.monotonicMs();
  try {
    const decision = await rooms.policy.decide("connection", policyInput(classified, rooms), classified.signal);
    return withinHoldings(decision, rooms.holdings.of(classified.agent));
  } finally {
    rooms.metrics.policyEvaluated("connection", rooms.clock.monotonicMs() - startedMs);
  }
}

function policyInput({ agent, wire, destination }: Classified, rooms: Rooms): PolicyInput {
  const { namespace, name, thread, user, labels, chain } = agent;
  return {
    version: 1,
    agent: { namespace, name, thread, user, labels, chain },
    connection: {
      name: destinationHost(destination),
      is_address: destination.kind === "address",
      port: destination.port,
      wire: wire.kind,
      sni: wire.kind === "tls" ? wire.serverName : null,
      alpn: wire.kind === "tls" ? wire.alpn : [],
    },
    budgets: rooms.budget.standing(agent),
    time: new Date(rooms.clock.nowMs()).toISOString(),
  };
}
