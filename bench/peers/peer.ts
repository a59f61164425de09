/** Where and how the driver reaches a proxy. */
export interface Target {
  /** TCP port on 127.0.0.1, or the path of a Unix socket. */
  readonly at: number | string;
  /** Base64 of what is sent before anything else (a PROXY v2 preamble), or null. */
  readonly preamble: string | null;
  /** `host:port` for a CONNECT request, or null where the proxy is transparent. */
  readonly connectTo: string | null;
  readonly serverName: string;
  /** Value of the Host header. */
  readonly authority: string;
  /** What the agent sends as Authorization: a dummy that the proxy must replace. */
  readonly authorization: string;
  /** PEM of the CA that signs what this proxy shows. */
  readonly caFile: string;
}

/** A proxy that runs, pinned to the proxies' core. */
export interface Peer {
  readonly name: string;
  /** Its process; the CPU and memory of its threads and children count, too. Null for `direct`. */
  readonly pid: number | null;
  readonly target: Target;
  /** What differs from the others, in one line, for the reader of the numbers. */
  readonly remark: string;
  stop(): Promise<void>;
}

/** What every agent behind a proxy sends; the upstream refuses it. */
export const DUMMY_AUTHORIZATION = "Bearer dummy";

/** Thrown where a peer cannot run on this machine; the bench names it and goes on without it. */
export class PeerMissing extends Error {
  override readonly name = "PeerMissing";
}
