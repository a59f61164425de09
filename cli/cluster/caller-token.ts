import type { Clock } from "../../common/clock.ts";
import { readConfigFile } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import type { KubeAccess } from "../../common/kube/kube-access.ts";
import type { KubeApi } from "../../common/kube/kube-api.ts";
import { requestToken, type IssuedToken } from "../../common/kube/reviews.ts";
import { CONTROLLER_AUDIENCE } from "../../common/labels.ts";
import { Secret } from "../../common/secret.ts";
import type { ServiceAccountName } from "./controller-options.ts";
import { kubeTrouble } from "./kube-trouble.ts";

const TOKEN_SECONDS = 3_600;
/** A token is replaced when it has no more than this left, in milliseconds. */
const MARGIN_MS = 300_000;

/** What the caller shows the controller; asked before each request, because tokens end before a thread does. */
export type CallerToken = () => Promise<Secret>;

/** The token in a file, read each time: whoever put it there may replace it. */
export function fileToken(path: string): CallerToken {
  return async () => new Secret(readConfigFile(path).trim());
}

/** Tokens of a service account, for the controller alone, requested as they are needed. */
export function accountToken(api: KubeApi, account: ServiceAccountName, clock: Clock): CallerToken {
  let held: IssuedToken | null = null;
  return async () => {
    if (held === null || held.expiresAtMs - clock.nowMs() < MARGIN_MS) {
      try {
        held = await requestToken(api, account, { audience: CONTROLLER_AUDIENCE, seconds: TOKEN_SECONDS });
      } catch (error) {
        throw kubeTrouble(error);
      }
    }
    return held.token;
  };
}

/** The bearer token by which the kubeconfig signs in. @throws UserError (when asked) if it signs in by something else */
export function kubeconfigToken(access: KubeAccess): CallerToken {
  return async () => {
    const { authorization } = await access.credentials();
    const bearer = authorization?.reveal().match(/^Bearer (.+)$/)?.[1];
    if (bearer !== undefined) return new Secret(bearer);
    throw new UserError(
      "your kubeconfig signs in without a token, which the controller cannot check", "Give --service-account NAMESPACE/NAME, or --token-file.", EXIT.usage,
    );
  };
}
