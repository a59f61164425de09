import type { Secret } from "../../common/secret.ts";
import type { OutboundHead } from "./request.ts";

/** A credential for one exchange: what to add, what to take away first, what to look for in the answer. */
export interface Loan {
  /** Header fields to set, lower-case names; each replaces whatever the agent sent. */
  readonly headers: readonly (readonly [name: string, value: Secret])[];
  /** Lower-case names of the agent's fields that must go, known auth headers among them; empty when nothing is lent. */
  readonly strip: readonly string[];
  /** Query parameters to set; each replaces all of the agent's of that name. */
  readonly query: readonly (readonly [name: string, value: Secret])[];
  /** True if a last touch answers for the agent's query parameters that say who is asking; otherwise they go. */
  readonly judgesQuery: boolean;
  /** True if the agent may ask for a part of an answer: no secret is sent that a slice of it could hide. */
  readonly toleratesRange: boolean;
  readonly clientCertificate: ClientCertificate | null;
  /** Last touches, in the order in which they are made. */
  readonly finish: readonly Finish[];
  readonly webSocketText: TextRewrite | null;
  /** For the record: `grant@source#version`. */
  readonly references: readonly string[];
  /** Bare secret values that must never be seen in the answer. */
  readonly secrets: readonly Secret[];
  /** By secret: which of the references it is of. */
  readonly owners: readonly number[];
}

export const NO_LOAN: Loan = {
  headers: [], strip: [], query: [], judgesQuery: false, toleratesRange: false,
  clientCertificate: null, finish: [], webSocketText: null, references: [], secrets: [], owners: [],
};

/** Where a session of a database or another protocol that logs in goes, and as whom the agent would. */
export interface LoginTarget {
  readonly protocol: "postgres";
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/** Who the boundary logs in as in the agent's stead. */
export interface Login {
  readonly username: Secret;
  readonly password: Secret;
  /** For the record: `grant@source#version`. */
  readonly references: readonly string[];
  /** Must never be seen by the agent. */
  readonly secrets: readonly Secret[];
  /** False when it was taken back: what it opened must end. Ask now and then for as long as it is used: a lease that nobody asks for runs out. */
  isHeld(): boolean;
}

export interface ClientCertificate {
  /** Names the pair among pools of connections; tells nothing of the key. */
  readonly fingerprint: string;
  /** Leaf first, PEM. */
  readonly certificatePem: string;
  readonly privateKeyPem: Secret;
}

/** A request that is whole but for its last touch. The body is null where none is needed or there is none. */
export interface Unfinished {
  readonly head: OutboundHead;
  readonly body: Buffer | null;
}

/** The last touch on a request. */
export interface Finish {
  /** `place`: puts values in; `sign`: speaks for all that is in it, so that it comes after every `place`. */
  readonly order: "place" | "sign";
  /** Bytes of the body that may be held back until it is whole; null if the body may stream by. A larger one is refused. */
  bodyLimitBytes(head: OutboundHead): number | null;
  /** @throws EgressError `credential.misdirected | credential.unavailable | request.malformed` */
  apply(request: Unfinished): Promise<Unfinished>;
}

/** Changes the text of whole messages. */
export interface TextRewrite {
  /** Bytes of one message that may be held back until it is whole; a larger one ends the exchange. */
  readonly messageLimitBytes: number;
  apply(text: string): string;
}
