import { FROM_SERVER, AUTHENTICATION, REQUEST, VERSION_3_0 } from "./protocol.ts";

/** Names and values of a startup packet, in order. No text may hold a zero byte: it would begin another field. */
export type Parameters = readonly (readonly [name: string, value: string])[];

/** What an error tells its reader (PostgreSQL documentation, "Error and Notice Message Fields"). */
export interface ErrorFields {
  /** SQLSTATE, five characters. */
  readonly sqlState: string;
  readonly message: string;
  readonly detail: string;
  readonly hint: string;
}

/** The number that a cancel request must show. */
export interface BackendKey {
  readonly processId: number;
  /** 4 bytes in version 3.0. */
  readonly key: Buffer;
}

export const sslRequest = (): Buffer => packet(REQUEST.ssl, Buffer.alloc(0));
export const cancelRequest = ({ processId, key }: BackendKey): Buffer => packet(REQUEST.cancel, Buffer.concat([uint32(processId), key]));

/** @throws TypeError if a text holds a zero byte */
export function startupMessage(parameters: Parameters): Buffer {
  return packet(VERSION_3_0, Buffer.concat([...parameters.flat().map(zeroEnded), Buffer.alloc(1)]));
}

/** The client's first words of SASL: the mechanism and what it sends with it. */
export function saslInitialResponse(mechanism: string, response: string): Buffer {
  const said = Buffer.from(response);
  return message("p", Buffer.concat([zeroEnded(mechanism), uint32(said.byteLength), said]));
}

export const saslResponse = (response: string): Buffer => message("p", Buffer.from(response));
export const authenticationOk = (): Buffer => message(FROM_SERVER.authentication, uint32(AUTHENTICATION.ok));
export const backendKeyData = ({ processId, key }: BackendKey): Buffer => message(FROM_SERVER.backendKeyData, Buffer.concat([uint32(processId), key]));

/** Says that nothing newer than 3.0 is spoken here, and which options of the client's mean nothing. */
export function negotiateVersion(unknownOptions: readonly string[]): Buffer {
  return message(FROM_SERVER.negotiateVersion, Buffer.concat([uint32(VERSION_3_0), uint32(unknownOptions.length), ...unknownOptions.map(zeroEnded)]));
}

/** An error that ends the session. */
export function fatalError({ sqlState, message: text, detail, hint }: ErrorFields): Buffer {
  const fields = [["S", "FATAL"], ["V", "FATAL"], ["C", sqlState], ["M", text], ["D", detail], ["H", hint]].filter(([, value]) => value !== "");
  const written = fields.map(([code = "", value = ""]) => zeroEnded(`${code}${value.replaceAll("\0", "")}`));
  return message(FROM_SERVER.errorResponse, Buffer.concat([...written, Buffer.alloc(1)]));
}

/** A message as it was read, for whom it goes on to. */
export function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type, "latin1"), uint32(4 + body.byteLength), body]);
}

function packet(code: number, body: Buffer): Buffer {
  return Buffer.concat([uint32(8 + body.byteLength), uint32(code), body]);
}

function zeroEnded(text: string): Buffer {
  if (text.includes("\0")) throw new TypeError("a zero byte inside a text");
  return Buffer.from(`${text}\0`);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
