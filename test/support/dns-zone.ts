import dns2 from "dns2";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { frame, MessageReader } from "../../proxy/dns/read-messages.ts";

const { Packet } = dns2;

export interface ZoneRecord {
  readonly type: "A" | "AAAA" | "CNAME";
  readonly data: string;
  /** Default: the name that was asked for. */
  readonly name?: string;
  readonly ttl?: number;
}

/** What a name answers; `asked` counts the earlier questions of that name and type. Null: no such name. */
export type ZoneAnswer = (type: "A" | "AAAA", asked: number) => readonly ZoneRecord[] | null | "silence";

export interface Zone extends AsyncDisposable {
  /** `address:port`, for `upstream.resolvers`. */
  readonly address: string;
  /** Every question, as `A api.example.test`, in order; over TCP with ` tcp` behind it. */
  readonly questions: string[];
  names: Record<string, ZoneAnswer>;
  /** True: datagrams are answered empty and truncated, so that the resolver must come by TCP. */
  isTruncating: boolean;
  /** Stops answering. */
  stop(): Promise<void>;
}

/** A real DNS server, UDP and TCP. @param at default: loopback, any free port */
export async function openZone(names: Record<string, ZoneAnswer> = {}, at = { address: "127.0.0.1", port: 0 }): Promise<Zone> {
  const questions: string[] = [];
  const zone = { names, questions, isTruncating: false };
  const answer = (message: Buffer, suffix: string): Buffer | null => {
    const request = Packet.parse(message);
    const response = Packet.createResponseFromRequest(request);
    const question = request.questions[0]!;
    const name = question.name.toLowerCase();
    const type = question.type === Packet.TYPE.A ? "A" : "AAAA";
    const key = `${type} ${name}`;
    const asked = questions.filter((text) => text.startsWith(key)).length;
    questions.push(`${key}${suffix}`);
    const records = zone.names[name]?.(type, asked) ?? null;
    if (records === "silence") return null;
    if (records === null) response.header.rcode = Packet.RCODE.NXDOMAIN;
    else if (zone.isTruncating && suffix === "") response.header.tc = 1;
    else response.answers.push(...records.map((record) => resource(name, record)) as never[]);
    return response.toBuffer();
  };
  const open = new Set<Socket>();
  const tcp = createServer((socket) => {
    socket.on("error", () => { socket.destroy(); });
    const reader = new MessageReader();
    socket.on("data", (chunk: Buffer) => { for (const message of reader.push(chunk)) socket.write(frame(answer(message, " tcp") ?? Buffer.alloc(0))); });
    socket.on("end", () => { socket.end(); });
    open.add(socket.on("close", () => open.delete(socket)));
  });
  tcp.listen(at.port, at.address);
  await once(tcp, "listening");
  const { port } = tcp.address() as { port: number };
  const udp = createSocket("udp4");
  udp.on("message", (message, from) => {
    const reply = answer(message, "");
    if (reply !== null) udp.send(reply, from.port, from.address);
  });
  udp.bind(port, at.address);
  await once(udp, "listening");
  const stop = async (): Promise<void> => {
    const closed = [once(udp, "close"), once(tcp, "close")];
    udp.close();
    tcp.close();
    for (const socket of open) socket.destroy();
    await Promise.all(closed);
  };
  let stopping: Promise<void> | undefined;
  return Object.assign(zone, { address: `${at.address}:${port}`, stop: async () => stopping ??= stop(), [Symbol.asyncDispose]: async () => stopping ??= stop() });
}

/** Always these records, of the type that is asked for and of every CNAME. */
export function fixed(...records: readonly ZoneRecord[]): ZoneAnswer {
  return (type) => records.filter((record) => record.type === type || record.type === "CNAME");
}

function resource(asked: string, { type, data, name, ttl = 60 }: ZoneRecord): object {
  const base = { name: name ?? asked, type: Packet.TYPE[type], class: Packet.CLASS.IN, ttl };
  return type === "CNAME" ? { ...base, domain: data } : { ...base, address: data };
}
