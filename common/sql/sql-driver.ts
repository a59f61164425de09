/** The database does not answer. What was asked for may have happened or not. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

export type Row = Readonly<Record<string, unknown>>;

/** Something that runs one statement at a time. Values are `$1`, `$2` …; lists are passed as arrays. */
export interface Statements {
  query(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/**
 * A PostgreSQL, embedded or across the network. Both speak the same SQL. Rejects with StoreUnavailable if there is no answer; errors of the
 * database itself come through as they are.
 */
export interface SqlDriver extends Statements {
  /** One statement by itself, which must be safe to repeat: it is, when the connection was lost over it. */
  query(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /**
   * Commits if `work` resolves, rolls back if it rejects. `work` is called again if the connection was lost before the commit was sent, or the
   * database rolled it back for the sake of another transaction; it must do nothing but statements.
   */
  transaction<T>(work: (statements: Statements) => Promise<T>): Promise<T>;
  /**
   * Tells what is notified on a channel, from any connection, until the returned function is called. Reconnects by itself; what was notified
   * meanwhile is lost.
   */
  listen(channel: string, onNotice: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}
