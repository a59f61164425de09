import { safeLine } from "../../common/approvals/safe-line.ts";
import { DETAIL_LENGTH, PATH_LENGTH, type QuestionView, type ThreadApprovalView } from "../../common/approvals/views.ts";
import { age } from "../age.ts";
import type { Io } from "../io.ts";
import { printFacts, printTable, roomBeside } from "../table.ts";
import { fitted, wrapped } from "../terminal-text.ts";
import type { BookList } from "./approval-book.ts";

/** So much of an id as people type: `apr-` and six characters. */
const SHORT_ID = 10;
const WHAT_WIDTH = 60;
/** Longest method, host and port. */
const PLACE_LENGTH = 330;

export function printApprovals({ questions, threads }: BookList, io: Io, nowMs: number): void {
  if (questions.length > 0) {
    const headings = ["ID", "AGENT", "THREAD", "ASKS FOR", "LEFT", "RULE"];
    const rows = questions.map((one) => [shortId(one, questions), `${one.agent.namespace}/${one.agent.name}`, one.agent.thread, whatOf(one), left(one.expiresAtMs, nowMs), one.rule]);
    const room = io.columns === undefined ? WHAT_WIDTH : roomBeside(widthWithout(headings.indexOf("ASKS FOR"), [headings, ...rows]), io);
    printTable(headings, rows.map((row) => row.map((cell, column) => (headings[column] === "ASKS FOR" ? fitted(cell, room) : cell))), io);
  }
  if (threads.length === 0) return;
  if (questions.length > 0) io.out("");
  printTable(["ALLOWED", "AGENT", "THREAD", "RULE", "BY", "AGE", "LEFT"], threads.map((one) => [
    shortId(one, threads), `${one.namespace}/${one.agent}`, one.thread, one.rule, one.by, age(new Date(one.allowedAtMs).toISOString(), nowMs), left(one.expiresAtMs, nowMs),
  ]), io);
}

/** Of a table, its other columns and the blanks between them. */
function widthWithout(column: number, rows: readonly (readonly string[])[]): number {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length)) + 2);
  return widths.reduce((sum, width, at) => (at === column ? sum : sum + width), 0);
}

/** All that a person needs to decide. What the agent wrote is set off from what we say, behind `|`, and behind `:` where a terminal has no room for all of a line. */
export function printQuestion(question: QuestionView, io: Io, nowMs: number): void {
  const { id, agent, rule, reason, details, scopes, expiresAtMs, isWaiting, requestId } = question;
  printFacts([
    ["Id", id], ["Agent", `${agent.namespace}/${agent.name}${agent.user === "" ? "" : ` for ${agent.user}`}`], ["Thread", [...agent.chain, agent.thread].join(" > ")],
    ["Asks for", whatOf(question)], ["Rule", rule], ["Because", reason], ["Answer", `${scopes.map((scope) => `allow ${scope}`).join(", ")}, or deny`],
    ["Time left", `${left(expiresAtMs, nowMs)}${isWaiting ? "" : "; the client has given up, the answer is for its next try"}`], ["Request", requestId],
  ], io);
  for (const line of details) {
    for (const [index, piece] of wrapped(safeLine(line, DETAIL_LENGTH), roomBeside(GUTTER, io)).entries()) io.out(`  ${index === 0 ? "|" : ":"} ${piece}`);
  }
}

/** Before what the agent wrote, in columns. */
const GUTTER = 4;

/** @returns the verb and place, in one line */
export function whatOf({ method, host, port, path }: QuestionView): string {
  const place = `${host}${port === 443 ? "" : `:${port}`}`;
  return safeLine(method === null ? `a connection to ${host}:${port}` : `${method} ${place}${path ?? ""}`, PATH_LENGTH + PLACE_LENGTH);
}

/** The beginning of an id that no other of the list has. */
export function shortId({ id }: { readonly id: string }, among: readonly { readonly id: string }[]): string {
  for (let length = SHORT_ID; length < id.length; length += 1) {
    if (among.filter((other) => other.id.startsWith(id.slice(0, length))).length === 1) return id.slice(0, length);
  }
  return id;
}

export function asJson({ questions, threads, troubles }: BookList): string {
  const wait = questions.map((one) => ({ ...one, askedAt: new Date(one.askedAtMs).toISOString(), expiresAt: new Date(one.expiresAtMs).toISOString() }));
  return JSON.stringify({ questions: wait, threads: threads.map(threadJson), troubles }, null, 2);
}

function threadJson(one: ThreadApprovalView): object {
  return { ...one, allowedAt: new Date(one.allowedAtMs).toISOString(), expiresAt: new Date(one.expiresAtMs).toISOString() };
}

function left(untilMs: number, nowMs: number): string {
  const leftMs = Math.max(0, untilMs - nowMs);
  const [unit, unitMs] = ([["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1_000]] as const).find(([, ms]) => leftMs >= 2 * ms) ?? ["s", 1_000];
  return `${Math.ceil(leftMs / unitMs)}${unit}`;
}
