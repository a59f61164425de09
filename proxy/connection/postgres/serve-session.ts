import type { Socket } from "node:net";
import { EgressError } from "../../errors.ts";
import { destinationHost, type Introduced, type Screened } from "../../model/connection.ts";
import type { Login } from "../../model/loan.ts";
import type { Rooms } from "../../rooms.ts";
import { askPolicy } from "../ask-policy.ts";
import { awaitApproval } from "../await-approval.ts";
import type { ConnectionConfig } from "../config.ts";
import type { ConnectionEntry } from "../connection-entry.ts";
import { reconsiderOnChange } from "../reconsider.ts";
import { screen } from "../screen.ts";
import { Splice } from "../splice.ts";
import { Toll } from "../toll.ts";
import type { CancelKeys } from "./cancel-keys.ts";
import { cancelSession } from "./cancel-session.ts";
import { authenticationOk, backendKeyData, negotiateVersion } from "./encode.ts";
import { greet } from "./greet.ts";
import { logIn, secureServer, type LoggedIn, type LoginRequest } from "./log-in.ts";
import { inTime } from "./in-time.ts";
import { REQUEST } from "./protocol.ts";
import type { Reading } from "./read-packet.ts";
import { parseCancel, parseStartup, type Startup } from "./startup-packet.ts";
import { tellClient } from "./tell-client.ts";

export interface SessionDeps {
  readonly config: ConnectionConfig;
  /** One for the whole proxy. */
  readonly cancelKeys: CancelKeys;
}

/** Between two looks at whether the lent login is still ours, in milliseconds. */
const LOGIN_CHECK_MS = 500;

type Session = Introduced & { readonly stream: Socket };

/**
 * in: Screened · out: nothing, when the session is over · ends early with: wire.*, tls.*, policy.*, budget.*, credential.*, audit.unavailable,
 * upstream.*, relay.aborted
 *
 * The contents page of a session of PostgreSQL, in reading order: the client says what it wants, policy decides on it, the boundary logs in at
 * the server in the agent's stead, and from then on bytes pass unread in both directions. A session that does not begin is told why.
 */
export async function serveSession(screened: Screened, rooms: Rooms, entry: ConnectionEntry, deps: SessionDeps): Promise<void> {
  const { config, cancelKeys } = deps;
  const { stream, opening } = await greet(screened, rooms.authority, config);
  entry.reached({ ...screened, stream });
  if (opening.code === REQUEST.cancel) return cancelSession(screened, parseCancel(opening), rooms, { entry, cancelKeys, deadlineMs: config.loginTimeoutMs });
  let hasBegun = false;
  try {
    const startup = parseStartup(opening);
    const introduced = entry.reached({ ...screened, stream, sql: startup.sql });
    const decision = entry.decided(await askPolicy(introduced, rooms, entry.noteAsked));
    const verdict = entry.decided(await awaitApproval(introduced, { decision, ...entry.awaiting(async () => askPolicy(introduced, rooms)) }, rooms));
    const session = entry.reached(screen(introduced, verdict));
    await reconsiderOnChange(session, rooms, entry);
    await relay(session, startup, { rooms, entry, deps, onBegin: () => { hasBegun = true; } });
  } catch (error) {
    const { signal, id: requestId } = screened;
    if (!hasBegun) await tellClient(stream, EgressError.from(signal.aborted ? signal.reason : error), { requestId, lingerMs: config.lingerMs });
    throw error;
  }
}

interface Work {
  readonly rooms: Rooms;
  readonly entry: ConnectionEntry;
  readonly deps: SessionDeps;
  /** Called when the client has been told that its session begins. */
  readonly onBegin: () => void;
}

/** Reserved, lent, and on record before the first byte leaves; then as a tunnel. */
async function relay(session: Session, startup: Startup, work: Work): Promise<void> {
  const { rooms, entry, deps: { config } } = work;
  const { agent, signal, stream: near } = session;
  const toll = await Toll.take(session, rooms);
  // A server that works on a statement does not notice that its client has gone, and there is no client that reads on after its farewell.
  const ends = { idleTimeoutMs: config.tunnelIdleTimeoutMs, halfOpenMs: config.lingerMs };
  const splice = new Splice(session, toll, { ...ends, onBytes: () => { rooms.activity.touch(agent); }, near });
  try {
    const login = await borrow(session, rooms);
    entry.lent(login.references);
    await rooms.audit.commit(entry.record("opened"));
    const as = { login, database: session.sql.database, parameters: startup.parameters };
    const loggedIn = await inTime(config.loginTimeoutMs, signal, async (reading) => open(session, as, work, reading));
    work.onBegin();
    endWithLogin(login, entry);
    welcome(session, startup, loggedIn, work);
    await splice.run(loggedIn.stream);
  } finally {
    entry.exchangeEnded(splice.usage);
    await toll.settle(splice);
  }
}

async function borrow({ decision, agent, token, destination, sql, signal }: Session, rooms: Rooms): Promise<Login> {
  const target = { protocol: "postgres", host: destinationHost(destination), port: destination.port, user: sql.user, database: sql.database } as const;
  return rooms.credentials.lendLogin(decision.grants, { agent, token }, target, signal);
}

/** Resolved, checked, dialled and verified as every destination; then the lent login. */
async function open({ agent, destination }: Session, as: LoginRequest, { rooms, entry }: Work, reading: Reading): Promise<LoggedIn> {
  const tunnel = await rooms.upstream.openTunnel(agent.instance, destination, reading.signal);
  entry.connectedTo(tunnel.remoteAddress);
  try {
    return await logIn(await secureServer(tunnel, destination, rooms.upstream, reading), as, reading);
  } catch (error) {
    tunnel.stream.destroy();
    throw error;
  }
}

/** A server lets a session go on that it has taken the user of away; the boundary does not. */
function endWithLogin(login: Login, entry: ConnectionEntry): void {
  const timer = setInterval(() => {
    if (!login.isHeld()) entry.end(new EgressError("credential.unavailable", "the lent login was taken back"));
  }, LOGIN_CHECK_MS);
  entry.atClose(() => { clearInterval(timer); });
}

/** What the server said to us, for the client; but a cancel key of our own. */
function welcome(session: Session, startup: Startup, loggedIn: LoggedIn, { entry, deps: { cancelKeys } }: Work): void {
  const { agent: { instance }, destination, stream } = session;
  const { settings, ready, backendKey, remoteAddress } = loggedIn;
  const said = [...(startup.isNewer ? [negotiateVersion(startup.protocolOptions)] : []), authenticationOk(), ...settings];
  if (backendKey !== null) {
    const { shown, remove } = cancelKeys.add({ instance, destination, remoteAddress, backendKey });
    entry.atClose(remove);
    said.push(backendKeyData(shown));
  }
  stream.write(Buffer.concat([...said, ready]));
}
