/** The head of one WebSocket frame (RFC 6455 §5.2). */
export interface FrameHeader {
  readonly isFinal: boolean;
  /** The three reserved bits: 0 unless an extension was agreed on. */
  readonly reserved: number;
  readonly opcode: number;
  readonly isMasked: boolean;
  readonly payloadBytes: number;
}

const CONTROL_BIT = 0x08;
const FINAL_BIT = 0x80;
/** Payload lengths that say that the length follows in 2 or 8 bytes. */
const IN_TWO_BYTES = 126;
const IN_EIGHT_BYTES = 127;

/** @param bytes from the beginning of a frame; at most 14 are looked at @returns null while there are too few */
export function readFrameHeader(bytes: readonly number[]): FrameHeader | null {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return null;
  const short = second & 0x7f;
  const extra = short === IN_TWO_BYTES ? 2 : short === IN_EIGHT_BYTES ? 8 : 0;
  const isMasked = (second & 0x80) !== 0;
  if (bytes.length < 2 + extra + (isMasked ? 4 : 0)) return null;
  const payloadBytes = extra === 0 ? short : bytes.slice(2, 2 + extra).reduce((length, byte) => length * 256 + byte, 0);
  return { isFinal: (first & FINAL_BIT) !== 0, reserved: (first >> 4) & 0x07, opcode: first & 0x0f, isMasked, payloadBytes };
}

export function isControl(opcode: number): boolean {
  return (opcode & CONTROL_BIT) !== 0;
}

/** A frame as a server sends it: unmasked. */
export function writeFrame(opcode: number, isFinal: boolean, payload: Buffer): Buffer {
  const { byteLength } = payload;
  const extra = byteLength < IN_TWO_BYTES ? 0 : byteLength < 65_536 ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + extra + byteLength);
  frame[0] = (isFinal ? FINAL_BIT : 0) | opcode;
  frame[1] = extra === 0 ? byteLength : extra === 2 ? IN_TWO_BYTES : IN_EIGHT_BYTES;
  if (extra === 2) frame.writeUInt16BE(byteLength, 2);
  if (extra === 8) frame.writeBigUInt64BE(BigInt(byteLength), 2);
  payload.copy(frame, 2 + extra);
  return frame;
}
