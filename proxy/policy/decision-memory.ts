import type { Decision } from "../model/decision.ts";
import { READINGS } from "../model/readings.ts";
import type { Answers, PolicyInput, Question } from "./policy-engine.ts";

/** Decisions that are kept; the oldest goes first. */
const DECISION_LIMIT = 1_024;
/** Longest key, in characters: nobody fills the memory with long paths. */
const KEY_LIMIT = 1_024;

/**
 * What the shipped library said before. It is a pure function of its data and of the few fields below: it asks neither the time nor the
 * budgets, and reads no header (test/policy/decision-memory.test.ts looks at its source). So an answer to the same fields is the same
 * answer, for as long as this library with this data is in force; a reload begins with an empty memory. A policy with Rego of its own may read
 * anything and has no memory.
 */
export class DecisionMemory {
  readonly #decisions = new Map<string, Decision>();

  /** Everything that the library reads to answer the question, as one text; null if that is too long to keep, or was read of a body: no two are alike. */
  keyOf(question: Question, { agent, connection, request, dns, sql, git, grpc, ...rest }: PolicyInput): string | null {
    if (OF_BODY.some((name) => rest[name] !== undefined)) return null;
    const key = JSON.stringify([
      question, agent.namespace, agent.name,
      connection?.name, connection?.is_address, connection?.port, connection?.wire, connection?.alpn.includes("postgresql"), sql?.database, sql?.user,
      request?.method, request?.scheme, request?.upgrade, request?.path, request?.query, request?.has_body, dns?.name,
      git?.is_write, git?.repository, grpc?.service, grpc?.method,
    ]);
    return key.length <= KEY_LIMIT ? key : null;
  }

  /** @param key of the same question */
  recall<Q extends Question>(key: string): Answers[Q] | undefined {
    return this.#decisions.get(key) as Answers[Q] | undefined;
  }

  keep(key: string, decision: Decision): void {
    if (this.#decisions.size >= DECISION_LIMIT) {
      const [oldest] = this.#decisions.keys();
      if (oldest !== undefined) this.#decisions.delete(oldest);
    }
    this.#decisions.set(key, decision);
  }
}

const OF_BODY = ["read", ...READINGS] as const;

/** What of the input the library reads, as Rego writes it: the fields of the key above, and what is never remembered. */
export const LIBRARY_READS: readonly string[] = [
  "input.agent.namespace", "input.agent.name",
  "input.connection.name", "input.connection.is_address", "input.connection.port", "input.connection.wire", "input.connection.alpn",
  "input.sql", "input.sql.database", "input.sql.user",
  "input.request.method", "input.request.scheme", "input.request.upgrade", "input.request.path", "input.request.query", "input.request.has_body", "input.dns.name",
  "input.git", "input.git.is_write", "input.git.repository", "input.grpc", "input.grpc.service", "input.grpc.method",
];
