import { destinationHost, type Classified, type SqlStartup } from "../model/connection.ts";
import { withinHoldings } from "../model/holdings.ts";
import type { Answers, PolicyInput } from "../policy/policy-engine.ts";
import type { Rooms } from "../rooms.ts";

/** A connection, and what the client of a database said on it once it has. */
export type Asking = Classified & { readonly sql?: SqlStartup };

/**
 * Asks policy the question `connection`: may this agent open this connection at all? Asked when it opens, a second time when the client of a
 * database has said what it wants, and again whenever policy, or what the agent holds, changes. How budgets stand is learnt here, once, so that
 * requests need not wait for it.
 * @param noteAsked told what is asked, for the record of the connection
 * @throws EgressError `policy.unavailable`, `identity.unavailable`
 */
export async function askPolicy(classified: Asking, rooms: Rooms, noteAsked?: (input: PolicyInput) => void): Promise<Answers["connection"]> {
  await rooms.budget.learn(classified.agent);
  const startedMs = rooms.clock.monotonicMs();
  try {
    const input = policyInput(classified, rooms);
    noteAsked?.(input);
    const decision = await rooms.policy.decide("connection", input, classified.signal);
    return withinHoldings(decision, rooms.holdings.of(classified.agent));
  } finally {
    rooms.metrics.policyEvaluated("connection", rooms.clock.monotonicMs() - startedMs);
  }
}

function policyInput({ agent, wire, destination, sql }: Asking, rooms: Rooms): PolicyInput {
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
    ...(sql === undefined ? {} : { sql: { user: sql.user, database: sql.database, application_name: sql.applicationName, options: sql.options } }),
    budgets: rooms.budget.standing(agent),
    time: new Date(rooms.clock.nowMs()).toISOString(),
  };
}
