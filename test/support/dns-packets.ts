import { decode, type DecodedPacket } from "dns-packet";

/** Raw DNS queries, so that tests can say what no codec would write. */

/** Wire form of a name; each text is one label, whatever it contains. */
export function labels(...texts: string[]): Buffer {
  return Buffer.concat([...texts.map((text) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")])), Buffer.from([0])]);
}

export interface QueryParts {
  readonly id?: number;
  readonly flags?: number;
  readonly counts?: readonly [number, number, number, number];
  readonly name?: Buffer;
  readonly type?: number;
  readonly class?: number;
  /** What follows the question; counted as one additional record unless `counts` says otherwise. */
  readonly tail?: Buffer;
}

export function aQuery(parts: QueryParts = {}): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(parts.id ?? 0x1234, 0);
  header.writeUInt16BE(parts.flags ?? 0x0100, 2);
  (parts.counts ?? [1, 0, 0, parts.tail === undefined ? 0 : 1]).forEach((count, index) => header.writeUInt16BE(count, 4 + 2 * index));
  const typeAndClass = Buffer.alloc(4);
  typeAndClass.writeUInt16BE(parts.type ?? 1, 0);
  typeAndClass.writeUInt16BE(parts.class ?? 1, 2);
  return Buffer.concat([header, parts.name ?? labels("api", "example", "test"), typeAndClass, parts.tail ?? Buffer.alloc(0)]);
}

export interface OptParts {
  readonly version?: number;
  readonly flags?: number;
  readonly options?: Buffer;
  readonly length?: number;
}

export function anOpt(parts: OptParts = {}): Buffer {
  const options = parts.options ?? Buffer.alloc(0);
  const fixed = Buffer.alloc(11);
  fixed.writeUInt16BE(41, 1);
  fixed.writeUInt16BE(1_232, 3);
  fixed.writeUInt8(parts.version ?? 0, 6);
  fixed.writeUInt16BE(parts.flags ?? 0, 7);
  fixed.writeUInt16BE(parts.length ?? options.length, 9);
  return Buffer.concat([fixed, options]);
}

/** An answer as a codec of others reads it. */
export interface ReadAnswer extends DecodedPacket {
  readonly rcode: string;
  /** Data of the first answer record. */
  readonly firstAddress: string | null;
  /** RFC 8914. */
  readonly extendedError: { readonly code: number; readonly text: string } | null;
  /** The upper bits of the code, which EDNS carries. */
  readonly extendedRcode: number | null;
}

export function readAnswer(message: Buffer): ReadAnswer {
  const packet = decode(message) as DecodedPacket & { rcode: string };
  const [opt] = (packet.additionals ?? []) as unknown as { options: { code: number; data: Buffer }[]; extendedRcode: number }[];
  const option = opt?.options.find(({ code }) => code === 15);
  const [answer] = (packet.answers ?? []) as { data?: unknown }[];
  return {
    ...packet, firstAddress: typeof answer?.data === "string" ? answer.data : null, extendedRcode: opt?.extendedRcode ?? null,
    extendedError: option === undefined ? null : { code: option.data.readUInt16BE(0), text: option.data.subarray(2).toString() },
  };
}
