import type { Socket } from "node:net";
import { openRecorder } from "./recorder.ts";

/** What the stand-in does with a connection, by the port that the agent dialled; any other port is told where it went. */
const BEHAVIOURS: Readonly<Record<number, (socket: Socket, first: Buffer) => void>> = {
  /** Half an answer, then an abort. */
  7001: (socket) => { socket.write("half an ans", () => { socket.resetAndDestroy(); }); },
  /** Says how the agent ended it. */
  7002: (socket) => {
    socket.write("go\n");
    socket.on("error", (error: NodeJS.ErrnoException) => { process.stdout.write(`end ${error.code ?? ""}\n`); });
    socket.on("end", () => {
      process.stdout.write("end FIN\n");
      socket.end();
    }).resume();
  },
  /** Echoes until the agent has enough. */
  7003: (socket, first) => {
    socket.write(first);
    socket.on("data", (chunk) => { socket.write(chunk); }).on("end", () => { socket.end(); }).resume();
  },
  /** Takes everything, then says how much it was. */
  7004: (socket, first) => {
    let bytes = first.byteLength;
    socket.on("data", (chunk: Buffer) => { bytes += chunk.byteLength; }).on("end", () => { socket.end(`${bytes}\n`); }).resume();
  },
  /** Sends without end. */
  7005: (socket) => {
    const block = Buffer.alloc(256 * 1024);
    const pour = () => { while (!socket.destroyed && socket.write(block)) { /* until it is full */ } };
    socket.on("drain", pour).on("error", () => {}).resume();
    pour();
  },
};

/** The recorder as a process of its own, for a network namespace that the tests are not in. Prints one JSON line for each preamble. */
const recorders = await Promise.all(process.argv.slice(3).map(async (host) => openRecorder({ host, port: Number(process.argv[2]) })));
for (const recorder of recorders) {
  const tell = recorder.onConnection;
  recorder.onConnection = (socket, preamble, first) => {
    process.stdout.write(`${JSON.stringify(preamble)}\n`);
    const behaviour = BEHAVIOURS[preamble.destination.port];
    if (behaviour === undefined) tell(socket, preamble, first);
    else behaviour(socket, first);
  };
}
process.stdout.write("listening\n");
