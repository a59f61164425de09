/**
 * The synthetic addresses: one for each (instance, name), from 198.18.0.0/15 and a ULA /64, and which name each stands for.
 * An address means something only for the instance that it was given to. Names are lower case, without trailing dot.
 */
export interface NameBook {
  /** The address that stands for this name towards this instance; the same one again for as long as the entry lives. */
  addressFor(instance: string, name: string, family: 4 | 6): string;
  /** The name behind an address, or null if this instance was never told that address (or it was forgotten). */
  nameOf(instance: string, address: string): string | null;
  /** True for any address of the two pools, given out or not. */
  isSynthetic(address: string): boolean;
  /** Drops all entries of an instance that has ended. */
  forget(instance: string): void;
}
