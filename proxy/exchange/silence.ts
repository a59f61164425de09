import { EgressError } from "../errors.ts";
import type { ExchangeConfig } from "./config.ts";

/** How an exchange stands that has been silent for a while. */
export interface Stillness {
  readonly silentMs: number;
  readonly isWebSocket: boolean;
  /** The next byte has to come from the agent's body. */
  readonly isBodyAwaited: boolean;
  /** The agent has to read before anything more can come. */
  readonly isAgentFull: boolean;
}

/** Why an exchange may be silent no longer; null while it may. Pure. */
export function endOfSilence({ silentMs, isWebSocket, isBodyAwaited, isAgentFull }: Stillness, config: ExchangeConfig): EgressError | null {
  const { idleTimeoutMs, bodyIdleTimeoutMs, webSocketIdleTimeoutMs } = config;
  if (isWebSocket) return silentMs >= webSocketIdleTimeoutMs ? new EgressError("upstream.timeout", `a WebSocket silent for ${webSocketIdleTimeoutMs} ms`) : null;
  if (isBodyAwaited) return silentMs >= bodyIdleTimeoutMs ? new EgressError("request.timeout", `no byte of the body for ${bodyIdleTimeoutMs} ms`) : null;
  if (silentMs < idleTimeoutMs) return null;
  return isAgentFull
    ? new EgressError("relay.aborted", `the agent read nothing for ${idleTimeoutMs} ms`)
    : new EgressError("upstream.timeout", `no byte of the answer for ${idleTimeoutMs} ms`);
}
