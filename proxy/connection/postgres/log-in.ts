import type { Duplex } from "node:stream";
import { EgressError } from "../../errors.ts";
import { POSTGRES_ALPN, type Destination } from "../../model/connection.ts";
import type { Login } from "../../model/loan.ts";
import type { SecureTunnel, Tunnel, Upstream } from "../../upstream/upstream.ts";
import { message, saslInitialResponse, saslResponse, sslRequest, startupMessage, type BackendKey, type Parameters } from "./encode.ts";
import { AUTHENTICATION, FROM_SERVER } from "./protocol.ts";
import { readMessage, readSslAnswer, type Message, type Reading } from "./read-packet.ts";
import { ScramClient } from "./scram.ts";
import { loginError } from "./server-error.ts";

/** Largest message of a server before a session begins, in bytes: libpq takes no more (pqGetErrorNotice, PQconnectPoll). */
const MESSAGE_LIMIT_BYTES = 30_000;
/** Messages before a session begins; PostgreSQL sends about twenty. */
const MESSAGE_LIMIT = 200;

/** As whom, and what for. */
export interface LoginRequest {
  readonly login: Login;
  readonly database: string;
  /** Of the client, user and database left out. */
  readonly parameters: Parameters;
}

/** A session that its server takes statements for. */
export interface LoggedIn {
  readonly stream: Duplex;
  /** Messages for the client, as they are: settings of the server, and that it is ready. */
  readonly settings: readonly Buffer[];
  readonly ready: Buffer;
  /** Null if the server cancels nothing. */
  readonly backendKey: BackendKey | null;
  readonly remoteAddress: string;
}

/**
 * Asks a server for TLS and verifies it. @throws EgressError `upstream.*`; `upstream.untrusted` from a server that has none: no credential, and
 * no cancel request, travels in clear
 */
export async function secureServer(tunnel: Tunnel, destination: Destination, upstream: Upstream, reading: Reading): Promise<SecureTunnel> {
  tunnel.stream.write(sslRequest());
  const answer = await readSslAnswer(tunnel.stream, reading);
  if (answer !== "S") throw new EgressError("upstream.untrusted", "the database server does not speak TLS, and a credential never travels in clear");
  const secured = await upstream.secureTunnel(tunnel, destination, POSTGRES_ALPN, reading.signal);
  // What ends the stream is seen where it is read or written.
  secured.stream.on("error", () => {});
  return secured;
}

/**
 * Logs in with SCRAM-SHA-256 and nothing else: a server that wants the password itself, a weak hash of it, or none, proves nothing.
 * @throws EgressError `upstream.*`, `credential.unavailable` if the server does not accept the login
 */
export async function logIn(tunnel: SecureTunnel, as: LoginRequest, reading: Reading): Promise<LoggedIn> {
  const { stream } = tunnel;
  stream.write(startupMessage([["user", as.login.username.reveal()], ["database", as.database], ...as.parameters]));
  await authenticate(tunnel, as.login, reading);
  return { stream, remoteAddress: tunnel.remoteAddress, ...await begin(stream, reading) };
}

/** SASL, in the order of the protocol and no other: the server has proved itself before its word counts that the client has. */
async function authenticate({ stream, endPoint }: SecureTunnel, { password }: Login, reading: Reading): Promise<void> {
  const offered = await expectAuthentication(stream, AUTHENTICATION.sasl, reading);
  const scram = new ScramClient(password, readMechanisms(offered), endPoint);
  stream.write(saslInitialResponse(scram.mechanism, scram.first()));
  const first = await expectAuthentication(stream, AUTHENTICATION.saslContinue, reading);
  stream.write(saslResponse(await scram.final(first.toString("latin1"))));
  const final = await expectAuthentication(stream, AUTHENTICATION.saslFinal, reading);
  scram.verify(final.toString("latin1"));
  await expectAuthentication(stream, AUTHENTICATION.ok, reading);
}

async function begin(stream: Duplex, reading: Reading): Promise<Pick<LoggedIn, "settings" | "ready" | "backendKey">> {
  const settings: Buffer[] = [];
  let backendKey: BackendKey | null = null;
  for (let count = 0; count < MESSAGE_LIMIT; count += 1) {
    const { type, body } = await nextMessage(stream, reading);
    if (type === FROM_SERVER.parameterStatus) settings.push(message(type, body));
    else if (type === FROM_SERVER.backendKeyData) backendKey = readBackendKey(body);
    else if (type === FROM_SERVER.readyForQuery && body.byteLength === 1) return { settings, backendKey, ready: message(type, body) };
    else throw unexpected(type);
  }
  throw new EgressError("upstream.malformed", `more than ${MESSAGE_LIMIT} messages before the session begins`);
}

/** The next message that is neither a notice nor an error. */
async function nextMessage(stream: Duplex, reading: Reading): Promise<Message> {
  for (let count = 0; count < MESSAGE_LIMIT; count += 1) {
    const read = await readMessage(stream, MESSAGE_LIMIT_BYTES, reading);
    if (read.type === FROM_SERVER.errorResponse) throw loginError(read.body);
    if (read.type !== FROM_SERVER.noticeResponse) return read;
  }
  throw new EgressError("upstream.malformed", "nothing but notices");
}

async function expectAuthentication(stream: Duplex, kind: number, reading: Reading): Promise<Buffer> {
  const { type, body } = await nextMessage(stream, reading);
  if (type !== FROM_SERVER.authentication || body.byteLength < 4) throw unexpected(type);
  const asked = body.readUInt32BE();
  if (asked !== kind) throw new EgressError("upstream.untrusted", `the database server asks for authentication of kind ${asked}, not ${kind}`);
  return body.subarray(4);
}

/** Names, each ended by a zero, then an empty one. */
function readMechanisms(body: Buffer): readonly string[] {
  const text = body.toString("latin1");
  if (!text.endsWith("\0\0")) throw new EgressError("upstream.malformed", "the list of mechanisms does not end");
  return text.slice(0, -2).split("\0");
}

function readBackendKey(body: Buffer): BackendKey {
  if (body.byteLength !== 8) throw new EgressError("upstream.malformed", `a cancel key of ${body.byteLength} bytes`);
  return { processId: body.readUInt32BE(0), key: Buffer.from(body.subarray(4)) };
}

function unexpected(type: string): EgressError {
  return new EgressError("upstream.malformed", `a message ${JSON.stringify(type)} that does not belong here`);
}
