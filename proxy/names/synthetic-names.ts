import { LRUCache } from "lru-cache";
import { addressToBytes, bytesToAddress, isIPv4Mapped } from "../../common/address-bytes.ts";
import type { Clock } from "../../common/clock.ts";
import type { NameBook } from "./name-book.ts";
import { InstanceNames, LAST_INDEX } from "./instance-names.ts";

/** 198.18.0.0/15, set apart for benchmarks (RFC 2544): no host on the Internet has such an address. */
const POOL4 = { base: 0xc612_0000, mask: 0xfffe_0000 } as const;
/** A unique local prefix (RFC 4193) of our own; the last 64 bits count. */
const POOL6_PREFIX = addressToBytes("fd00:5765:6972::").subarray(0, 8);

/** Instances remembered; the one that was quiet longest is forgotten first, and its agent resolves again. */
const INSTANCE_LIMIT = 4_096;

/** The book in memory. Both families of a name share one index, so that either address leads to it. */
export class SyntheticNames implements NameBook {
  readonly #clock: Clock;
  readonly #instances = new LRUCache<string, InstanceNames>({ max: INSTANCE_LIMIT });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws EgressError `name.flood` if the instance asks for new names faster than old addresses may be used again */
  addressFor(instance: string, name: string, family: 4 | 6): string {
    let names = this.#instances.get(instance);
    if (names === undefined) {
      names = new InstanceNames(this.#clock);
      this.#instances.set(instance, names);
    }
    const index = names.indexFor(name);
    return bytesToAddress(family === 4 ? bytes4(index) : bytes6(index));
  }

  nameOf(instance: string, address: string): string | null {
    const index = indexOf(address);
    return index === null ? null : (this.#instances.get(instance)?.nameAt(index) ?? null);
  }

  isSynthetic(address: string): boolean {
    return indexOf(address) !== null;
  }

  forget(instance: string): void {
    this.#instances.delete(instance);
  }
}

function bytes4(index: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(POOL4.base + index);
  return bytes;
}

function bytes6(index: number): Buffer {
  const bytes = Buffer.alloc(16);
  POOL6_PREFIX.copy(bytes);
  bytes.writeUInt32BE(index, 12);
  return bytes;
}

/** Place in the pool, or null for an address of neither pool. An index no name can have still counts as synthetic: it must not be dialled. */
function indexOf(address: string): number | null {
  const bytes = addressToBytes(address);
  if (bytes.byteLength === 4) return index4(bytes);
  if (isIPv4Mapped(bytes)) return index4(bytes.subarray(12));
  if (!bytes.subarray(0, 8).equals(POOL6_PREFIX)) return null;
  return bytes.readUInt32BE(8) === 0 ? bytes.readUInt32BE(12) : LAST_INDEX + 1;
}

function index4(bytes: Buffer): number | null {
  const value = bytes.readUInt32BE();
  return ((value & POOL4.mask) >>> 0) === POOL4.base ? value - POOL4.base : null;
}
