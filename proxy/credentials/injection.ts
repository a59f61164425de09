import type { Secret } from "../../common/secret.ts";
import type { ClientCertificate, Finish, TextRewrite } from "../model/loan.ts";

/** What one grant adds to a request. Everything that is left out is nothing. */
export interface Injection {
  /** Header fields to set, lower-case names; each replaces whatever the agent sent. */
  readonly headers?: readonly (readonly [name: string, value: Secret])[];
  /** Lower-case names of the agent's fields that must go besides the known auth headers and those that are set. */
  readonly strip?: readonly string[];
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
