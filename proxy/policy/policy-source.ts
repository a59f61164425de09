import type { Bundle } from "./bundle.ts";

/** A policy that a source has, read and checked. */
export interface Offer {
  readonly bundle: Bundle;
  /** Of its content: policies with the same are the same, whatever their revision is called; with another they are others. */
  readonly digest: string;
  /** Names the key whose signature it has; absent for what nobody signed. */
  readonly signer?: string;
  /** Remembers durably that it comes into force. Called before it does. @throws Error if it may not */
  readonly remember?: () => Promise<void>;
}

/** What became of the last look: `done` until something else is there, or to be looked at `again`, as what kept it away may pass. */
export type Outcome = "done" | "again";

/** Where the policy comes from, and how to notice that it changed. */
export interface PolicySource {
  /** For messages: the path, the address, or that the data is in the configuration. */
  readonly name: string;
  /** Asked again and again: how long ago it answered is worth watching. */
  readonly isRemote?: true;
  /**
   * What there is now; null: nothing else than at the last look.
   * @throws UserError that says how to mend what is there; UnreachableError if nothing can be said of it
   */
  load(signal: AbortSignal): Promise<Offer | null>;
  /** The last that was in force, kept for a start at which nothing else is to be had. @throws Error if it is no longer fit */
  kept?(): Promise<Offer | null>;
  /** Resolves when it is worth looking again, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void>;
  /** Told after each load what became of it. */
  settled?(outcome: Outcome): void;
  /** The next load offers what is there, whether or not it was offered before: for an operator who asks. */
  forget?(): void;
}
