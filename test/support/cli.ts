import { readEnvironment, type Environment } from "../../common/config.ts";
import { openIo, type Io } from "../../cli/io.ts";
import { main } from "../../cli/main.ts";

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RecordingIo extends Io {
  readonly said: () => Said;
}

/** Standard output and error of a command, kept; no terminal, no colours. */
export function recordingIo(environment: Environment = readEnvironment()): RecordingIo {
  const lines = { out: [] as string[], err: [] as string[] };
  let code = 0;
  return {
    ...openIo({ ...environment, NO_COLOR: "1" }), isTerminal: false,
    out: (line) => { lines.out.push(line); },
    err: (line) => { lines.err.push(line); },
    exitWith: (given) => { code = given; },
    said: () => ({ code, out: lines.out.join("\n"), err: lines.err.join("\n") }),
  };
}

/** `weir ARGS…`, in this process. */
export async function weir(args: readonly string[], environment?: Environment): Promise<Said> {
  const io = recordingIo(environment);
  await main(["node", "weir", ...args], io);
  return io.said();
}
