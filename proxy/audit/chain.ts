import { hash } from "node:crypto";
import type { AuditRecord } from "../model/record.ts";
import type { Receipt } from "./audit-log.ts";
import { MerkleTree } from "./merkle.ts";
import { canonicalText, toOcsf } from "./ocsf.ts";
import type { Product } from "./ocsf-parts.ts";

/** What the next record is linked to. */
export interface ChainMark {
  /** Sequence of the next record; as many records are in the tree. */
  readonly sequence: number;
  /** Hash of the last record, hex; null before the first. */
  readonly previousHash: string | null;
  readonly tree: MerkleTree;
}

export interface Link {
  /** The record as it is stored, newline included. */
  readonly line: string;
  readonly receipt: Receipt;
}

/**
 * Puts records in order: each event names its sequence and its predecessor's hash, and is hashed as a whole (RFC 8785 canonical form without
 * its own fingerprint), as OCSF's attestation object asks. The hash then joins the Merkle tree that checkpoints sign.
 */
export class Chain {
  readonly uid: string;
  readonly #product: Product;
  readonly #marker: string;
  #sequence: number;
  #previousHash: string | null;
  #tree: MerkleTree;

  /** @param mark where an existing chain ends; its tree is not shared */
  constructor(uid: string, version: string, mark: ChainMark = { sequence: 0, previousHash: null, tree: new MerkleTree() }) {
    this.uid = uid;
    this.#product = { name: "Weir", vendor_name: "Weir", version };
    this.#marker = attestationMarker(uid);
    this.#sequence = mark.sequence;
    this.#previousHash = mark.previousHash;
    this.#tree = mark.tree.copy();
  }

  get sequence(): number {
    return this.#sequence;
  }

  append(record: AuditRecord): Link {
    const sequence = this.#sequence;
    const unsigned = canonicalText(toOcsf(record, {
      sequence,
      uid: uidOf(this.uid, sequence),
      product: this.#product,
      attestation: {
        chain_uid: this.uid,
        prev_event: this.#previousHash === null ? undefined
          : { fingerprint: { algorithm_id: 3, value: this.#previousHash }, uid: uidOf(this.uid, sequence - 1) },
      },
    }));
    const digest = hash("sha256", unsigned, "hex");
    const end = unsigned.indexOf(this.#marker) + this.#marker.length;
    this.#tree.append(digest);
    this.#sequence = sequence + 1;
    this.#previousHash = digest;
    return { line: `${unsigned.slice(0, end)}${fingerprintText(digest)}${unsigned.slice(end)}\n`, receipt: { sequence, hash: digest } };
  }

  mark(): ChainMark {
    return { sequence: this.#sequence, previousHash: this.#previousHash, tree: this.#tree.copy() };
  }

  /** Forgets what was appended after the mark: it never became durable. */
  rewind(mark: ChainMark): void {
    this.#sequence = mark.sequence;
    this.#previousHash = mark.previousHash;
    this.#tree = mark.tree.copy();
  }
}

/**
 * Unique id of one event over all chains; what a receiver drops duplicates by. Joined, because a concatenated string is a rope, and one rope
 * anywhere in an event takes `JSON.stringify` off its fast path: twice the time for the whole record.
 */
export function uidOf(chainUid: string, sequence: number): string {
  return [chainUid, sequence].join(":");
}

/** Text just before the place of the fingerprint. A quote inside a JSON string is escaped, so this can only be the key itself. */
export function attestationMarker(chainUid: string): string {
  return `"attestation_list":[{"chain_uid":"${chainUid}"`;
}

export function fingerprintText(digest: string): string {
  return `,"fingerprint":{"algorithm_id":3,"value":"${digest}"}`;
}
