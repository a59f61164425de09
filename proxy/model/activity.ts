import type { Amounts } from "../../common/meters.ts";
import type { AgentIdentity } from "./agent.ts";

/** Who did something, so that an instance that does nothing can be stopped. Cheap; must not throw. */
export interface Activity {
  /** Something flowed. */
  touch(agent: AgentIdentity): void;
  /** The instance is active until the returned function is called; call it in `finally`. */
  begin(agent: AgentIdentity): () => void;
  /** A budget had no room for what it was about to do. */
  exhausted(agent: AgentIdentity, lack: Lack): void;
  /** There was room for something of this size. */
  afforded(agent: AgentIdentity, amounts: Amounts): void;
}

/** What an agent could not pay for, and which budget said so. */
export interface Lack {
  readonly budget: string;
  /** For people: limit, window and what was spent. */
  readonly reason: string;
  /** Wall-clock milliseconds of the next window; null if it does not open again by itself. */
  readonly opensAtMs: number | null;
  readonly amounts: Amounts;
}

const nothing = (): void => {};

/** Where nobody stops instances. */
export const noActivity: Activity = { touch: nothing, begin: () => nothing, exhausted: nothing, afforded: nothing };
