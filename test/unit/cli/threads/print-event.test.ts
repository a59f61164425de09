import { expect, test } from "vitest";
import type { ThreadEvent } from "../../../../client/client.ts";
import { eventPrinter, printMessage, printThread, printThreads, standing } from "../../../../cli/threads/print-event.ts";
import { recordingIo } from "../../../support/cli.ts";
import { aMessage, aThread } from "../../../support/talking-client.ts";

const NOW = Date.parse("2026-01-01T01:00:00Z");

test("a message shows who said it, its lines, and nothing that steers the terminal", () => {
  const io = recordingIo();
  printMessage(aMessage(7, { body: "one\ntwo\u001b[2J" }), io);
  printMessage(aMessage(8, { body: "and you?", isForAgent: true, sender: { role: "user", name: "alice" } }), io);
  expect(io.said().out).toBe("#7 2026-01-01 00:00:07 reviewer (agent)\n  one\n  two?[2J\n#8 2026-01-01 00:00:08 alice\n  and you?");
});

test("a change of the thread is said once", () => {
  const io = recordingIo();
  const print = eventPrinter(io, "text");
  for (const unread of [1, 0]) print({ kind: "thread", thread: aThread({ unread }) });
  print({ kind: "thread", thread: aThread({ phase: "Idle", instance: null }) });
  expect(io.said().out).toBe("-- Running in weir-t\n-- Idle");
});

test("as JSON each event is one line, as it came", () => {
  const io = recordingIo();
  const events: ThreadEvent[] = [{ kind: "thread", thread: aThread() }, { kind: "message", message: aMessage(1, { body: "a\nb" }) }];
  events.forEach(eventPrinter(io, "json"));
  expect(io.said().out.split("\n").map((line) => JSON.parse(line) as ThreadEvent)).toEqual(events);
});

test("a thread that no controller has looked at says so", () => {
  expect(standing({ phase: null, instance: null })).toBe("not looked at yet");
});

test("threads are a table, one thread is its facts", () => {
  const [table, facts] = [recordingIo(), recordingIo()];
  printThreads([aThread({ title: "PR 42", unread: 2, lastActivityAt: "2026-01-01T00:30:00Z" })], table, NOW);
  expect(table.said().out.split("\n")[1]).toBe("t     reviewer  Running  2       alice  30m     60m  PR 42");
  printThread(aThread({ parent: "p", chain: ["team/a/p"], grants: [] }), facts, NOW);
  expect(facts.said().out).toContain("grants:     none\nspawned by: p (team/a/p)\nactive:     not yet\nage:        60m");
});
