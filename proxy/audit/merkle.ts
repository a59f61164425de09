import { hash } from "node:crypto";

/** SHA-256 of nothing: the root of the empty tree (RFC 9162 §2.1.1). */
const EMPTY_ROOT = hash("sha256", "", "latin1");

/**
 * The Merkle tree of RFC 9162 §2.1 as far as appending needs it: the roots of the full subtrees, largest first, one for each one-bit of the
 * size. A leaf is SHA-256(0x00 ‖ entry), a node SHA-256(0x01 ‖ left ‖ right). 32 bytes are kept as a latin1 string, which hashes three
 * times faster than a Buffer for inputs this small.
 */
export class MerkleTree {
  readonly #leaf = Buffer.alloc(33, 0);
  readonly #node = Buffer.alloc(65, 1);
  #peaks: string[] = [];
  #size = 0;

  /** A tree of `size` entries whose full subtrees have these roots (hex, largest first). @throws RangeError if they do not fit the size */
  static restore(size: number, peaks: readonly string[]): MerkleTree {
    if (peaks.length !== countOnes(size) || !peaks.every((peak) => /^[0-9a-f]{64}$/.test(peak))) throw new RangeError(`not the peaks of a tree of ${size}`);
    const tree = new MerkleTree();
    tree.#size = size;
    tree.#peaks = peaks.map((peak) => Buffer.from(peak, "hex").toString("latin1"));
    return tree;
  }

  get size(): number {
    return this.#size;
  }

  /** Roots of the full subtrees, hex, largest first. */
  peaks(): string[] {
    return this.#peaks.map((peak) => toHex(peak));
  }

  /** @param entryHex 32 bytes as hex: the hash of a record */
  append(entryHex: string): void {
    this.#leaf.write(entryHex, 1, "hex");
    let carried = hash("sha256", this.#leaf, "latin1");
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) carried = this.#join(this.#peaks.pop() ?? "", carried);
    this.#peaks.push(carried);
    this.#size += 1;
  }

  /** Root of all entries, hex. */
  root(): string {
    return toHex(this.#peaks.length === 0 ? EMPTY_ROOT : this.#peaks.reduceRight((right, left) => this.#join(left, right)));
  }

  copy(): MerkleTree {
    const tree = new MerkleTree();
    tree.#peaks = [...this.#peaks];
    tree.#size = this.#size;
    return tree;
  }

  #join(left: string, right: string): string {
    this.#node.write(left, 1, "latin1");
    this.#node.write(right, 33, "latin1");
    return hash("sha256", this.#node, "latin1");
  }
}

function toHex(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("hex");
}

function countOnes(size: number): number {
  return size.toString(2).replaceAll("0", "").length;
}
