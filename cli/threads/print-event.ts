import type { Message, Thread, ThreadEvent } from "../../client/client.ts";
import { age } from "../age.ts";
import type { Io } from "../io.ts";
import type { OutputFormat } from "../output-format.ts";
import { printFacts, printTable } from "../table.ts";
import { oneLine, safeLines } from "../terminal-text.ts";

/** Prints what happens to a thread as it happens: messages to read, changes of the thread in between; as JSON, one event a line, unchanged. */
export function eventPrinter(io: Io, format: OutputFormat): (event: ThreadEvent) => void {
  let stood = "";
  return (event) => {
    if (format === "json") {
      io.out(JSON.stringify(event));
    } else if (event.kind === "message") {
      printMessage(event.message, io);
    } else {
      const stands = standing(event.thread);
      if (stands !== stood) io.out(io.colors.dim(`-- ${oneLine(stands)}`));
      stood = stands;
    }
  };
}

export function printMessage({ seq, sender, body, acceptedAt, isForAgent }: Message, io: Io): void {
  const paint = isForAgent ? io.colors.cyan : io.colors.green;
  const role = isForAgent ? "" : io.colors.dim(` (${sender.role})`);
  io.out(`${io.colors.dim(`#${seq} ${acceptedAt.slice(0, 19).replace("T", " ")}`)} ${paint(oneLine(sender.name))}${role}`);
  for (const line of safeLines(body)) io.out(`  ${line}`);
}

/** `Running in weir-abc`, as far as anybody knows yet. */
export function standing({ phase, instance }: Pick<Thread, "phase" | "instance">): string {
  return `${phase ?? "not looked at yet"}${instance === null ? "" : ` in ${instance}`}`;
}

export function printThreads(threads: readonly Thread[], io: Io, nowMs: number): void {
  printTable(["NAME", "AGENT", "PHASE", "UNREAD", "USER", "ACTIVE", "AGE", "TITLE"], threads.map((thread) => [
    thread.name, thread.agent, thread.phase ?? "-", String(thread.unread), thread.user,
    age(thread.lastActivityAt, nowMs), age(thread.createdAt, nowMs), thread.title ?? "",
  ]), io);
}

export function printThread(thread: Thread, io: Io, nowMs: number): void {
  printFacts([
    ["name", `${thread.namespace}/${thread.name}`], ["title", thread.title ?? "-"], ["agent", thread.agent], ["user", thread.user],
    ["stands", standing(thread)], ["unread", String(thread.unread)],
    ["grants", thread.grants === null ? "what its Agent holds" : thread.grants.join(", ") || "none"],
    ...(thread.parent === null ? [] : [["spawned by", `${thread.parent} (${thread.chain.join(" > ")})`] as const]),
    ["active", `${age(thread.lastActivityAt, nowMs)} ago`.replace("- ago", "not yet")], ["age", age(thread.createdAt, nowMs)],
  ], io);
}
