import { EgressError } from "../errors.ts";
import type { AuditRecord } from "../model/record.ts";

/** Records of what is over, kept while the disk fails: it happened, so it will be told. In the order in which it ended. */
export class KeptRecords {
  readonly #limitBytes: number;
  readonly #waiting: { readonly record: AuditRecord; readonly bytes: number }[] = [];
  #bytes = 0;
  #dropped = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get count(): number {
    return this.#waiting.length;
  }

  /** @throws EgressError `audit.unavailable` if as much is kept as may wait; the record is then only counted */
  add(record: AuditRecord): void {
    const bytes = JSON.stringify(record).length;
    if (this.#bytes + bytes > this.#limitBytes) {
      this.#dropped += 1;
      throw new EgressError("audit.unavailable", `${this.#bytes} bytes of records wait for a disk that fails`);
    }
    this.#waiting.push({ record, bytes });
    this.#bytes += bytes;
  }

  /** Puts records in front that were in the chain already; never refuses them: the queue they come from had its own limit. */
  putBack(records: readonly AuditRecord[]): void {
    this.#waiting.unshift(...records.map((record) => ({ record, bytes: 0 })));
  }

  /** The oldest ones; they stay until `remove`. */
  first(count: number): AuditRecord[] {
    return this.#waiting.slice(0, count).map(({ record }) => record);
  }

  remove(count: number): void {
    for (const { bytes } of this.#waiting.splice(0, count)) this.#bytes -= bytes;
  }

  /** How many were refused and are not yet told of. */
  get dropped(): number {
    return this.#dropped;
  }

  /** So many of those refused are on record as a number. */
  toldDropped(count: number): void {
    this.#dropped -= count;
  }
}
