import type { Amounts } from "../../common/meters.ts";

/** What one exchange or tunnel used, as counted by us on the wire: bodies for exchanges, all bytes for tunnels. */
export interface Usage {
  readonly requestBytes: number;
  readonly responseBytes: number;
}

export const NO_USAGE: Usage = { requestBytes: 0, responseBytes: 0 };

/** The same for a ledger, as one request. */
export function amountsOf({ requestBytes, responseBytes }: Usage): Amounts {
  const [out, back] = [BigInt(requestBytes), BigInt(responseBytes)];
  return { requests: 1n, bytes: out + back, "bytes-out": out, "bytes-in": back };
}
