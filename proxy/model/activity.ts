import type { AgentIdentity } from "./agent.ts";

/** Who did something, so that an instance that does nothing can be stopped. Cheap; must not throw. */
export interface Activity {
  /** Something flowed. */
  touch(agent: AgentIdentity): void;
  /** The instance is active until the returned function is called; call it in `finally`. */
  begin(agent: AgentIdentity): () => void;
}

const nothing = (): void => {};

/** Where nobody stops instances. */
export const noActivity: Activity = { touch: nothing, begin: () => nothing };
