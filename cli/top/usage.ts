/** What one agent, or one thread of it, has used since its proxy started. */
export interface Used {
  /** `namespace/agent`. */
  readonly agent: string;
  /** Null on a cluster: metrics do not go by thread. */
  readonly thread: string | null;
  /** That answered last; empty while none has, `several` where it is not known which was last. */
  readonly model: string;
  readonly requests: number;
  readonly refusals: number;
  readonly tokens: number;
  /** Nano-dollars; exact on one machine, rounded as metrics are on a cluster. */
  readonly nanoUsd: bigint;
  /** Null on a cluster. */
  readonly open: number | null;
}

/** All that could be heard at one moment. */
export interface UsageSample {
  readonly used: readonly Used[];
  /** Proxies that did not answer, and why. */
  readonly troubles: readonly string[];
}

/** Where `weir top` looks. */
export type UsageSource = () => Promise<UsageSample>;
