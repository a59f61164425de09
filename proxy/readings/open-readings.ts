import type { HeadReadings } from "../model/readings.ts";
import type { RequestHead } from "../model/request.ts";
import { BodyReader, type ReadMcp } from "./body-reader.ts";
import { decodeForPolicy } from "./decode-body.ts";
import { readGit } from "./git.ts";
import { readGrpc } from "./grpc.ts";
import { refuseOverride } from "./override.ts";
import type { Readings } from "./readings.ts";

/** Opens the readings of all protocols but those of models. @param readMcp of the room that knows this protocol */
export function openReadings(readMcp: ReadMcp): Readings {
  return {
    ofHead,
    read: async (names, head, body) => {
      if (names.length === 0) return { report: {}, parts: [{}], text: body.body, asked: null };
      const text = await decodeForPolicy(head, body);
      if (Buffer.isBuffer(text)) return await new BodyReader(head, text, body.take, readMcp).read(names);
      return { report: Object.fromEntries(names.map((name) => [name, text.why])), parts: [{}], text: body.body, asked: null };
    },
  };
}

const NOTHING: HeadReadings = {};

/** Every request comes this way, whoever decides about it. */
export function ofHead(head: RequestHead): HeadReadings {
  refuseOverride(head);
  const git = readGit(head);
  const grpc = git === null ? readGrpc(head) : null;
  return git === null && grpc === null ? NOTHING : { ...(git !== null && { git }), ...(grpc !== null && { grpc }) };
}
