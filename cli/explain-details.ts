import { resolve } from "node:path";
import { stringify } from "yaml";
import { describeError } from "../common/lifecycle.ts";
import { adviceFor, explainDecision, personBehind, readPolicy, type AuditRecord, type DecisionExplanation, type PersonAsked, type PolicyPlace } from "../proxy/operator.ts";
import type { WeirConfig } from "./config.ts";
import type { Io } from "./io.ts";
import { oneLine } from "./terminal-text.ts";

/** Where the policy in force is, or the one that `--policy` names; null where it is with somebody else: a cluster, a bundle service. */
export function policyPlace({ policy }: Pick<WeirConfig, "policy">, given: string | undefined): PolicyPlace | null {
  if (given !== undefined) return resolve(given);
  return policy.directory ?? policy.bundle ?? (policy.service === undefined ? policy.data ?? { hosts: [], addresses: [], names: { hide: [] }, packs: [], custom: {} } : null);
}

export interface Details {
  /** Null where the record keeps no input. */
  readonly details: DecisionExplanation | null;
  readonly asked: PersonAsked | null | undefined;
  /** What packs have to do with it. */
  readonly advice: readonly string[];
}

/** What the policy says of a recorded decision now; nothing where it cannot be read: that is said on standard error. */
export async function explainDetails(record: AuditRecord, place: PolicyPlace | null, io: Io): Promise<Details | null> {
  if (place === null) return null;
  try {
    const options = { environment: io.environment, announce: io.err };
    const policy = await readPolicy(place, options);
    return { details: await explainDecision(record, policy, options), asked: await personBehind(record, policy), advice: await adviceFor(record, policy) };
  } catch (error) {
    io.err(`the policy could not be asked again: ${oneLine(describeError(error))}`);
    return null;
  }
}

/** The same as lines. What is in the input came from an agent. */
export function detailLines({ input, redacted, now, considered, withEntry }: DecisionExplanation): string[] {
  return [
    ...(withEntry === null ? [] : [CHECKED[withEntry]]),
    "", "What policy was asked:", ...stringify(input).trimEnd().split("\n").map((line) => `  ${oneLine(line)}`),
    ...(redacted.length === 0 ? [] : [`  not recorded: ${redacted.map(oneLine).join(", ")}`]),
    "", `The policy as it is now (${now.revision}): ${now.verdict ?? "not known"}${now.rule === null ? "" : ` by rule ${now.rule}`}`,
    ...now.doubts.map((doubt) => `  because ${oneLine(doubt)}`),
    ...(considered === null ? [] : consideredLines(considered)),
  ];
}

const CHECKED = {
  allow: "checked: with this entry the policy allows it",
  ask: "checked: with this entry a person is asked about it",
  deny: "checked: it is denied with this entry too; something else stands against it",
  "not known": "checked: what the policy says with this entry is not known; not all that it looks at is recorded",
} as const;

function consideredLines(considered: NonNullable<DecisionExplanation["considered"]>): string[] {
  if (considered.length === 0) return ["No entry of the data speaks of this destination."];
  const lines = considered.map(({ rule, kind, reason }) => {
    const said = kind === "undecided" ? "not known" : kind;
    return `  ${said.padEnd(9)} ${oneLine(rule)}${reason === "" ? "" : `: ${oneLine(reason)}`}`;
  });
  return ["Its entries for this destination, each by itself:", ...lines];
}
