/** What one exchange or tunnel used, as counted by us on the wire: bodies for exchanges, all bytes for tunnels. */
export interface Usage {
  readonly requestBytes: number;
  readonly responseBytes: number;
}

export const NO_USAGE: Usage = { requestBytes: 0, responseBytes: 0 };
