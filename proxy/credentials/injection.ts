import type { Secret } from "../../common/secret.ts";
import type { ClientCertificate, Finish, TextRewrite } from "../model/loan.ts";

/** What one grant adds to a request. Everything that is left out is nothing. */
export interface Injection {
  /** Header fields to set, lower-case names; each replaces whatever the agent sent. */
  readonly headers?: readonly (readonly [name: string, value: Secret])[];
  /** Lower-case names of the agent's fields that must go besides the known auth headers and those that are set. */
  readonly strip?: readonly string[];
  /** Known auth headers that `finish` has to see, and answers for: no other grant may set them. */
  readonly keep?: readonly string[];
  /** True if `finish` answers for query parameters that say who is asking. */
  readonly judgesQuery?: boolean;
  /** True where no secret travels as it is, so that the agent may ask for a part of an answer. */
  readonly toleratesRange?: boolean;
  /** Query parameters to set; each replaces all of the agent's of that name. */
  readonly query?: readonly (readonly [name: string, value: Secret])[];
  /** Shown to the destination when TLS is opened; connections that show it are used for nothing else. */
  readonly clientCertificate?: ClientCertificate;
  /** Changes the request when all else is in it: placeholders first, a signature last. */
  readonly finish?: Finish;
  /** Changes what the agent says on a WebSocket. */
  readonly webSocketText?: TextRewrite;
  /** What an answer must not show, in every form in which it was sent. */
  readonly secrets: readonly Secret[];
}

/** What an injector may know besides its configuration and the material. */
export interface InjectionContext {
  /** The dummies that the grant puts into the agent's environment. */
  readonly dummies: readonly string[];
  /** Wall clock, milliseconds. */
  readonly nowMs: () => number;
}
