import type { EgressError } from "../errors.ts";
import type { MeteredCall, ModelApi } from "../model/metered-call.ts";
import type { HeaderList, RequestHead } from "../model/request.ts";

/** A request that goes to a model, by its destination and path alone. */
export interface Recognised {
  readonly api: ModelApi;
  /** Bytes of the body that may be held back to be read; a larger one is refused. */
  readonly bodyLimitBytes: number;
}

/** What a destination is to the meters. `free`: known to cost nothing. `unmetered`: of a model provider, but nothing that can be counted. */
export type Destination = { readonly kind: "call"; readonly call: Recognised } | { readonly kind: "free" | "unmetered" | "other" };

/** An answer in the provider's own shape, that its client libraries understand and do not repeat. */
export interface ProviderRefusal {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** What becomes of a call whose worst case is more than is left, where policy does not say it. */
export interface Shortage {
  /** `clamp`: its output is limited to what is left; `refuse`. */
  readonly whenShort: "clamp" | "refuse";
  /** With less than this, an answer is worth nothing: the call is refused. In tokens. */
  readonly leastOutputTokens: number;
}

/** The body of a request, held back until it was whole. */
export interface HeldBody {
  /** As the agent sent it, perhaps encoded. */
  readonly body: Buffer;
  /** Lent to it: subscriptions cost tokens, no money. */
  readonly grants: readonly string[];
  /** Asked before memory is taken for what a coded body unpacks to, piece by piece. @throws EgressError `request.body-limit` if there is no room */
  readonly take: (bytes: number) => void;
}

/** Knows the APIs of model providers: what a request may cost, what an answer did. */
export interface Metering {
  readonly shortage: Shortage;
  recognise(head: Pick<RequestHead, "method" | "scheme" | "host" | "port" | "path" | "upgrade">): Destination;
  /**
   * Reads the whole request.
   * @throws EgressError `request.malformed` for a body that the provider would not understand either, or that two readers could understand in two ways;
   * `request.body-limit` for one that unpacks to too much
   */
  read(call: Recognised, head: RequestHead, held: HeldBody): Promise<MeteredCall>;
  /**
   * How the provider would say it; null where nothing is known of the destination.
   * @param requestId for the reader, as in our own refusals
   */
  refusal(head: Pick<RequestHead, "method" | "scheme" | "host" | "port" | "path" | "upgrade">, error: EgressError, requestId: string): ProviderRefusal | null;
}
