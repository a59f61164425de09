import { openRecorder } from "./recorder.ts";

/** The recorder as a process of its own, for a network namespace that the tests are not in. Prints one JSON line for each preamble. */
const recorders = await Promise.all(process.argv.slice(3).map(async (host) => openRecorder({ host, port: Number(process.argv[2]) })));
for (const recorder of recorders) {
  const answer = recorder.onConnection;
  recorder.onConnection = (socket, preamble, first) => {
    process.stdout.write(`${JSON.stringify(preamble)}\n`);
    answer(socket, preamble, first);
  };
}
process.stdout.write("listening\n");
