import * as z from "zod";

/** The descriptor on which the stage and `weir` talk: JSON lines both ways. Its end ends the stage. */
export const CONTROL_FD = 3;

const commandLine = z.tuple([z.string()], z.string());

/** The first line to the stage: everything it needs to know. */
const stageTask = z.strictObject({
  kind: z.literal("start"),
  init: commandLine,
  sidecar: commandLine,
  sandbox: commandLine,
  argumentsFile: z.string(),
  seccompFile: z.string(),
});
export type StageTask = z.output<typeof stageTask>;

/** Every later line to the stage. */
const stageSignal = z.strictObject({ kind: z.literal("signal"), name: z.string() });

export const stageOrder = z.discriminatedUnion("kind", [stageTask, stageSignal]);

/** What the stage says. Nothing follows `failed` or `ended`. */
export const stageEvent = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("sidecar-started"), pid: z.int() }),
  z.strictObject({ kind: z.literal("sidecar-ended"), detail: z.string() }),
  z.strictObject({ kind: z.literal("command-started"), pid: z.int() }),
  z.strictObject({ kind: z.literal("failed"), detail: z.string() }),
  z.strictObject({ kind: z.literal("ended"), exitCode: z.int() }),
]);
export type StageEvent = z.output<typeof stageEvent>;

/** Cuts a stream of text into lines, each parsed as JSON. */
export function jsonLines(onValue: (value: unknown) => void): (chunk: Buffer) => void {
  let rest = "";
  const decoder = new TextDecoder();
  return (chunk) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") onValue(JSON.parse(line));
  };
}
