/**
 * in: a pod's addresses · out: the file of its network namespace · ends early with: Error (none, or more than one) · next: write-rules.ts
 *
 * Runtimes name these files as they like; what a namespace is known by are its addresses, which the kubelet reports.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { addressToBytes, bytesToAddress } from "../../common/address-bytes.ts";
import type { Enter } from "./enter.ts";

/** A network namespace while it lives: a name or a number alone may be given again. */
export interface Place {
  readonly file: string;
  readonly inode: number;
}

interface Known {
  readonly inode: number;
  readonly addresses: ReadonlySet<string>;
}

/** More are no pods of one node; a folder with more is not the one that was meant. */
const NAMESPACES_LIMIT = 4_096;
const listing = z.array(z.object({ addr_info: z.array(z.object({ local: z.string().optional(), scope: z.string().optional() })).optional() }));

/** Knows the addresses of the namespaces in one folder; asks each of them once. */
export class NamespaceFinder {
  readonly #directory: string;
  readonly #enter: Enter;
  readonly #known = new Map<string, Known>();

  constructor(directory: string, enter: Enter) {
    this.#directory = directory;
    this.#enter = enter;
  }

  /** @throws Error if no namespace has all of these addresses, or more than one has */
  async find(addresses: readonly string[], signal: AbortSignal): Promise<Place> {
    await this.#survey(signal);
    // An ended pod may have left its namespace, without its address, for somebody else to have: the answer counts that is given now.
    for (const { file } of this.#having(addresses)) {
      this.#known.delete(file);
      await this.#ask(file, signal);
    }
    const [first, ...more] = this.#having(addresses);
    if (first !== undefined && more.length === 0) return first;
    throw new Error(first === undefined ? `no network namespace in ${this.#directory} has ${addresses.join(" and ")}` : `more than one network namespace has ${addresses.join(" and ")}`);
  }

  /** False when the namespace has ended, even if another one has its name by now. */
  async isThere({ file, inode }: Place): Promise<boolean> {
    return await inodeOf(file) === inode;
  }

  #having(addresses: readonly string[]): Place[] {
    const wanted = addresses.map(canonical);
    return [...this.#known].filter(([, known]) => wanted.every((address) => known.addresses.has(address))).map(([file, { inode }]) => ({ file, inode }));
  }

  async #survey(signal: AbortSignal): Promise<void> {
    const names = await readdir(this.#directory);
    if (names.length > NAMESPACES_LIMIT) throw new Error(`${this.#directory} has ${names.length} files`);
    const files = names.map((name) => join(this.#directory, name));
    for (const file of this.#known.keys()) if (!files.includes(file)) this.#known.delete(file);
    for (const file of files) await this.#ask(file, signal);
  }

  /** A namespace without an address is still being made, and is asked again the next time. */
  async #ask(file: string, signal: AbortSignal): Promise<void> {
    const inode = await inodeOf(file);
    const known = this.#known.get(file);
    if (inode === null || known?.inode === inode) return;
    this.#known.delete(file);
    // What is no namespace (a file whose mount is gone) cannot be entered, and is nobody's.
    const addresses = await this.#enter(file, ["ip", "-j", "address"], signal).then(readAddresses, () => new Set<string>());
    signal.throwIfAborted();
    if (addresses.size > 0) this.#known.set(file, { inode, addresses });
  }
}

async function inodeOf(file: string): Promise<number | null> {
  return stat(file).then(({ ino }) => ino, () => null);
}

/** Those by which others reach it: not of the loopback, not of a link. */
function readAddresses(json: string): Set<string> {
  const devices = listing.parse(JSON.parse(json));
  return new Set(devices.flatMap(({ addr_info: own = [] }) => own.flatMap(({ local, scope }) => (local !== undefined && scope === "global" ? [canonical(local)] : []))));
}

function canonical(address: string): string {
  return bytesToAddress(addressToBytes(address));
}
