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
   * Takes the record without waiting for the disk: for ends, after the effect. If it cannot be written, the log turns unhealthy and every
   * later `commit` fails; what ends meanwhile is kept and joins the chain when the disk is back. Whoever may not act unrecorded asks
   * `isHealthy` or commits.
   * @throws EgressError `audit.unavailable` if the log is closed or too much waits for the disk
   */
  enqueue(record: AuditRecord): void;
  /** False after a write or sync failed; `/readyz` shows it. */
  readonly isHealthy: boolean;
}
