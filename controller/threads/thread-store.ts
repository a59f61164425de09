import type { Amounts } from "../../common/meters.ts";

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
  /** Position in the thread, from 1, without gaps, in the order in which messages were taken. */
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
  /** Tells whether a message came after a stop was asked for. */
  readonly newestUnreadMs: number | null;
  /** Egress seen by a node proxy, a message either way, a keep-alive, an acknowledgement; null if never. */
  readonly lastActivityMs: number | null;
  /** Absent: no budget stops it, as far as its node proxy knows. */
  readonly exhaustion?: Exhaustion;
}

/** A budget that keeps the thread's agent from going on. */
export interface Exhaustion {
  readonly budget: string;
  /** For people. */
  readonly reason: string;
  /** Wall-clock milliseconds of its next window; null if it does not open again by itself. */
  readonly opensAtMs: number | null;
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

export interface ThreadQuery {
  /** Only threads that one of these subjects has a relation to, or to whose agent it is owner or maintainer; null: all. */
  readonly visibleTo: readonly string[] | null;
  readonly namespace?: string;
  readonly agent?: string;
  readonly limit: number;
  /** Only what comes after this thread in the order of the list: the last one of the page before. */
  readonly after?: { readonly createdAtMs: number; readonly uid: string };
}

export interface ChildPlace {
  readonly parentUid: string;
  readonly name: string;
  readonly agent: string;
  readonly limit: number;
  /** Absent: it is given nothing of its own. */
  readonly allowance?: Carving;
}

/** What a child is to be given of what its parent has, by meter. */
export interface Carving {
  readonly wanted: Amounts;
  /** The most that all children of the parent are given together; meters that are absent have no such limit. */
  readonly most: Amounts;
  /** What the parent could still spend itself, as far as that is known. */
  readonly left: Amounts;
}

/** The parent has given away, or spent, too much of what it has. */
export class AllowanceTaken extends Error {
  override readonly name = "AllowanceTaken";
}

/**
 * Rejects with StoreUnavailable (common/sql/sql-driver.ts) if the database cannot be reached within its deadlines; every call but `post` without a
 * key can be repeated.
 */
export interface ThreadStore {
  /**
   * Makes the row if it is missing, with its owner's relation; the first owner wins. A row of another UID under the same name is of a resource
   * that is gone, and is archived.
   */
  ensureThread(thread: Omit<ThreadRow, "createdAtMs" | "archivedAtMs">, nowMs: number): Promise<ThreadRow>;
  thread(uid: string): Promise<ThreadRow | null>;
  threadByName(namespace: string, name: string): Promise<ThreadRow | null>;
  /** Newest first, archived ones left out. */
  listThreads(query: ThreadQuery): Promise<readonly ThreadRow[]>;
  /** Rows whose UID is none of these, archived ones too, oldest first. */
  threadsOtherThan(uids: readonly string[], query: { readonly createdBeforeMs: number; readonly limit: number }): Promise<readonly ThreadRow[]>;
  archiveThread(uid: string, nowMs: number): Promise<void>;
  /** Removes the thread with all that belongs to it. */
  forgetThread(uid: string): Promise<void>;
  /** Children that are not archived; those of one agent if it is named. */
  countChildren(parentUid: string, agent?: string): Promise<number>;
  /** Children that are not archived, newest first, at most 1,000. */
  children(parentUid: string): Promise<readonly ThreadRow[]>;
  /**
   * Holds a place among the children of a thread while the child's resource is made; {@link ensureThread} takes it, and it lapses after a
   * minute. Whoever asks, at most `limit` children of that agent exist or hold a place, and all children together are given no more than their
   * parent has. The same name holds the same place.
   * @returns false if there is none left. @throws ThreadGone, AllowanceTaken
   */
  reserveChild(child: ChildPlace, nowMs: number): Promise<boolean>;

  /** @returns the message, and whether it was new. @throws ThreadGone, MessageUnfit */
  post(threadUid: string, message: NewMessage, nowMs: number): Promise<{ readonly message: Message; readonly isNew: boolean }>;
  /** Unacknowledged messages for the agent, oldest first. */
  pending(threadUid: string, limit: number): Promise<readonly Message[]>;
  /** Acknowledges this message and every earlier one for the agent. @returns how many were not acknowledged before. @throws MessageUnknown */
  acknowledge(threadUid: string, messageId: string, nowMs: number): Promise<number>;
  messages(threadUid: string, query: { readonly afterSeq: number; readonly limit: number }): Promise<readonly Message[]>;

  /** Of one thread, or of all that are not archived. */
  demand(threadUid: string): Promise<Demand>;
  demands(): Promise<ReadonlyMap<string, Demand>>;
  /** Of some threads at once; unknown ones have no entry. */
  demandsOf(threadUids: readonly string[]): Promise<ReadonlyMap<string, Demand>>;
  /** Wall-clock milliseconds by thread UID. Never moves backwards; unknown threads are passed over. Gives no signal: idleness is looked at when it is due. */
  noteActivity(activity: ReadonlyMap<string, number>): Promise<void>;
  /** What node proxies say of threads: which budget stops them; null: none any more. Wakes those who wait for a thread if it is news. */
  noteExhaustion(exhaustion: ReadonlyMap<string, Exhaustion | null>): Promise<void>;
  /** A budget was raised or opened again: no thread counts as stopped by it until its node proxy says so again. */
  forgetExhaustion(budget: string): Promise<void>;

  startAttempts(threadUid: string): Promise<StartAttempts | null>;
  noteFailedStart(threadUid: string, failure: { readonly reason: string; readonly fingerprint: string }, nowMs: number): Promise<StartAttempts>;
  clearStarts(threadUid: string): Promise<void>;

  /** A relation that is there already stays. @throws TooManyRelations */
  relate(relation: Relation): Promise<void>;
  /** @returns false if there was none */
  unrelate(relation: Relation): Promise<boolean>;
  relations(objectKind: Relation["objectKind"], object: string): Promise<readonly Relation[]>;
  /** The relations of several objects at once, by object; every object asked for has an entry. */
  relationsOf(objectKind: Relation["objectKind"], objects: readonly string[]): Promise<ReadonlyMap<string, readonly Relation[]>>;

  /**
   * Told the UID of a thread after something about it was committed, by whichever controller. A lost notice costs latency, never
   * correctness: whoever listens polls too. Must not throw.
   */
  onSignal(listener: (threadUid: string) => void): () => void;
  close(): Promise<void>;
}

/** Most bytes of a message's body, in UTF-8. */
export const BODY_LIMIT_BYTES = 256 << 10;
/** Most relations of one agent or thread. */
export const RELATION_LIMIT = 256;

/** The thread is archived or was never there. */
export class ThreadGone extends Error {
  override readonly name = "ThreadGone";
}

/** No message for the agent with this id is in the thread. */
export class MessageUnknown extends Error {
  override readonly name = "MessageUnknown";
}

/** The body is larger than {@link BODY_LIMIT_BYTES}, or is not text that a database keeps: a NUL, half a surrogate pair. */
export class MessageUnfit extends Error {
  override readonly name = "MessageUnfit";
}

/** The object has {@link RELATION_LIMIT} relations already. */
export class TooManyRelations extends Error {
  override readonly name = "TooManyRelations";
}
