/** A record as it is stored, on its way to a sink. */
export interface OutgoingRecord {
  readonly sequence: number;
  readonly uid: string;
  readonly timeMs: number;
  /** OCSF severity_id, 1 (Informational) to 6 (Fatal). */
  readonly severityId: number;
  /** One JSON object without a newline. */
  readonly json: string;
}

/** What became of the front of a batch. The rest is offered again. */
export interface Delivery {
  /** So many records from the front are safe at the receiver; the cursor passes them and they are never sent again. */
  readonly accepted: number;
  /** Set if the record behind the accepted ones can never be taken: it is left out, and the chain gets a gap record that says so. */
  readonly refusal?: { readonly reason: string };
}

/**
 * A receiver of the audit chain. At least once: a sink may be offered a record again, with the same `uid`, and must then send it again; it must
 * not answer `accepted` for what it only holds in memory or in a socket. It may block as long as it likes, its signal ends the wait. It throws for trouble that may pass, and
 * is then called again after a pause, with the batch beginning at the same record.
 */
export interface AuditSink {
  /** @param batch in chain order, at least one record */
  deliver(batch: readonly OutgoingRecord[], signal: AbortSignal): Promise<Delivery>;
  close(): Promise<void>;
}

/** How much a sink is given at once. */
export interface BatchLimits {
  readonly batchRecords: number;
  readonly batchBytes: number;
}
