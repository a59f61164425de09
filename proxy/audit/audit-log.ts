import type { AuditRecord } from "../model/record.ts";

/** Where a record stands in its chain. */
export interface Receipt {
  readonly sequence: number;
  /** Hex SHA-256 of the record, its predecessor's hash included. */
  readonly hash: string;
}

/** The one place for audit records. Order of calls is order in the chain. */
export interface AuditLog {
  /**
   * Resolves when the record is on disk (fdatasync returned); many callers share one sync.
   * @throws EgressError `audit.unavailable` if it could not be made durable before the deadline; the caller must not act
   */
  commit(record: AuditRecord): Promise<Receipt>;
  /**
   * Puts the record in the chain without waiting for the disk: for ends, after the effect. If it cannot be written, the log turns
   * unhealthy and every later `commit` fails.
   * @throws EgressError `audit.unavailable` if the log is unhealthy or its queue is full
   */
  enqueue(record: AuditRecord): void;
  /** False after a write or sync failed; `/readyz` shows it. */
  readonly isHealthy: boolean;
}
