import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A step of a guide, in its order: a file that its reader writes, or a command that its reader runs and what the guide shows of its output. */
export type GuideStep =
  | { readonly kind: "file"; readonly path: string; readonly text: string }
  | { readonly kind: "command"; readonly command: string; readonly shown: readonly string[] };

const FENCE = /^```(\S+)(?: (\S+))?\n([\s\S]*?)^```$/gm;
/** Stands for any number of lines. */
const LEFT_OUT = "…";

/**
 * The steps of a guide. Blocks of `console` hold commands behind `$ ` and their outputs; a block that names a file, in its first line as `# PATH` or behind its
 * language, is that file; all others are only to be read.
 */
export function readGuide(markdown: string): readonly GuideStep[] {
  return [...markdown.matchAll(FENCE)].flatMap(([, language = "", named, text = ""]): GuideStep[] => {
    if (language === "console") return readCommands(text);
    const path = named ?? /^# (\S+\.\w+)$/m.exec(text.split("\n", 1)[0] ?? "")?.[1];
    return path === undefined ? [] : [{ kind: "file", path, text }];
  });
}

function readCommands(text: string): GuideStep[] {
  return text.split(/^\$ /m).slice(1).map((part) => {
    const [command = "", ...shown] = part.trimEnd().split("\n");
    return { kind: "command", command, shown };
  });
}

/** Does one step in a folder. @returns lines of output and errors, in the order in which they came; none for a file */
export async function doStep(step: GuideStep, folder: string, environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  if (step.kind === "file") {
    const path = join(folder, step.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, step.text);
    return [];
  }
  const said = await new Promise<string>((resolve) => {
    execFile("/bin/sh", ["-c", `{ ${step.command}\n} 2>&1`], { cwd: folder, env: environment, timeout: 60_000 }, (_, stdout) => { resolve(stdout); });
  });
  const lines = said.trimEnd();
  return lines === "" ? [] : lines.split("\n");
}

/** True if the output is what the guide shows, with any lines where it leaves some out. */
export function isAsShown(shown: readonly string[], said: readonly string[]): boolean {
  const [first, ...rest] = shown;
  if (first === undefined) return said.length === 0;
  if (first !== LEFT_OUT) return said[0] === first && isAsShown(rest, said.slice(1));
  return Array.from({ length: said.length + 1 }, (_, skipped) => skipped).some((skipped) => isAsShown(rest, said.slice(skipped)));
}
