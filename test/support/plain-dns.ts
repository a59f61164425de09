import { decode, encode } from "dns-packet";

/** An A query behind its length, as it travels on a tagged connection (RFC 7766 §8). */
export function aDnsQuery(name: string): Buffer {
  const packet = encode({ type: "query", id: 7, flags: 0x100, questions: [{ type: "A", name, class: "IN" }] });
  const length = Buffer.alloc(2);
  length.writeUInt16BE(packet.byteLength);
  return Buffer.concat([length, packet]);
}

/** The address in an answer. @throws Error if it has none */
export function readAddress(framed: Buffer): string {
  const { answers = [] } = decode(framed.subarray(2));
  const found = answers.find((answer) => answer.type === "A");
  if (found === undefined) throw new Error("no address in the answer");
  return (found as { readonly data: string }).data;
}
