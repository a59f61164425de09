/**
 * Threads' messages, relations and start attempts, outside the API server: etcd is no message store. One implementation over SQL, two drivers
 * (embedded PGlite, PostgreSQL). A Thread is known here by the UID of its resource.
 */
export interface ThreadRow {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly agent: string;
  readonly owner: string;
  readonly parentUid: string | null;
  readonly createdAtMs: number;
  readonly archivedAtMs: number | null;
}

export type Sender = { readonly role: "user" | "agent" | "system"; readonly name: string };

export interface Message {
  readonly id: string;
  readonly threadUid: string;
  /** Position in the thread, from 1, without gaps. */
  readonly seq: number;
  readonly sender: Sender;
  /** True for what the agent shall read. */
  readonly isForAgent: boolean;
  readonly body: string;
  readonly acceptedAtMs: number;
  /** When the agent acknowledged it; always null for what is not for the agent. */
  readonly acknowledgedAtMs: number | null;
}

export interface NewMessage {
  readonly sender: Sender;
  readonly isForAgent: boolean;
  /** No more than 256 KiB of UTF-8. */
  readonly body: string;
  /** The same key in the same thread is the same message, whatever its body. */
  readonly key: string | null;
}

/** What the reconciler knows of a thread from here. */
export interface Demand {
  readonly threadUid: string;
  readonly unread: number;
  readonly oldestUnreadMs: number | null;
  /** Egress seen by a node proxy, a message either way, a keep-alive, an acknowledgement; null if never. */
  readonly lastActivityMs: number | null;
}

/** Failed starts in a row, and what they were failures of. */
export interface StartAttempts {
  readonly failures: number;
  readonly lastFailureMs: number;
  readonly reason: string;
  /** Hash of the agent's and thread's specs: a change starts the count anew. */
  readonly fingerprint: string;
}

export interface Relation {
  /** `agent` with `namespace/name`, or `thread` with its UID. */
  readonly objectKind: "agent" | "thread";
  readonly object: string;
  readonly relation: "owner" | "maintainer" | "participant";
  /** `user:NAME` or `group:NAME`. */
  readonly subject: string;
}

export interface ThreadStore {
  /** Makes the row if it is missing; the first owner wins. */
  ensureThread(thread: Omit<ThreadRow, "createdAtMs" | "archivedAtMs">, nowMs: number): Promise<ThreadRow>;
  thread(uid: string): Promise<ThreadRow | null>;
  threadByName(namespace: string, name: string): Promise<ThreadRow | null>;
  /** Newest first. @param visibleTo only threads that one of these subjects has a relation to (or to whose agent it has one); null: all */
  listThreads(query: { readonly visibleTo: readonly string[] | null; readonly namespace?: string; readonly limit: number; readonly beforeMs?: number }): Promise<readonly ThreadRow[]>;
  archiveThread(uid: string, nowMs: number): Promise<void>;
  /** Removes the thread with all that belongs to it. */
  forgetThread(uid: string): Promise<void>;
  countChildren(parentUid: string): Promise<number>;

  /** @returns the message, and whether it was new. @throws ThreadGone */
  post(threadUid: string, message: NewMessage, nowMs: number): Promise<{ readonly message: Message; readonly isNew: boolean }>;
  /** Unacknowledged messages for the agent, oldest first. */
  pending(threadUid: string, limit: number): Promise<readonly Message[]>;
  /** Acknowledges this message and every earlier one for the agent. @returns how many were not acknowledged before */
  acknowledge(threadUid: string, messageId: string, nowMs: number): Promise<number>;
  messages(threadUid: string, query: { readonly afterSeq: number; readonly limit: number }): Promise<readonly Message[]>;

  /** Of one thread, or of all that are not archived. */
  demand(threadUid: string): Promise<Demand>;
  demands(): Promise<ReadonlyMap<string, Demand>>;
  /** Never moves backwards. */
  noteActivity(activity: ReadonlyMap<string, number>): Promise<void>;

  startAttempts(threadUid: string): Promise<StartAttempts | null>;
  noteFailedStart(threadUid: string, failure: { readonly reason: string; readonly fingerprint: string }, nowMs: number): Promise<StartAttempts>;
  clearStarts(threadUid: string): Promise<void>;

  relate(relation: Relation): Promise<void>;
  unrelate(relation: Relation): Promise<boolean>;
  relations(objectKind: Relation["objectKind"], object: string): Promise<readonly Relation[]>;

  /**
   * Told the UID of a thread after something about it was committed, by whichever controller. A lost notice costs latency, never
   * correctness: whoever listens polls too. Must not throw.
   */
  onSignal(listener: (threadUid: string) => void): () => void;
  close(): Promise<void>;
}

/** The thread is archived or was never there. */
export class ThreadGone extends Error {
  override readonly name = "ThreadGone";
}
