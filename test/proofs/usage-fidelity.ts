import { once } from "node:events";
import { createGunzip, gzipSync } from "node:zlib";
import { calcPrice, extractUsage, findProvider } from "@pydantic/genai-prices";
import { isDeepStrictEqual } from "node:util";
import { openAnswerMeter } from "../../proxy/metering/answers/open-answer-meter.ts";
import { loadTokenizer } from "../../proxy/metering/answers/token-counter.ts";
import type { ModelUse } from "../../proxy/model/metered-call.ts";
import { contextFor, NOW_MS, RECORDED_ANSWERS } from "../support/model-answers/answer-context.ts";
import { eventsIn, problemOf, type WireForm } from "../support/model-answers/ended-stream.ts";
import { AWS_STREAM, EVENT_SOURCE, type RecordedAnswer } from "../support/model-answers/recorded-answer.ts";
import { seeded, type ProofOptions, type ProofResult } from "../support/proof.ts";

/** How often each answer is split at random places, and by how many bytes the places of single splits of compressed answers are apart. */
const FORMS = { quick: { randomSplits: 25, gzipStride: 29, endingStride: 7 }, full: { randomSplits: 500, gzipStride: 1, endingStride: 1 } } as const;

interface Watched {
  readonly passed: Buffer;
  readonly use: ModelUse;
}

/**
 * Answers in the shapes that every provider documents: what they are charged is to the nano-dollar what the price library says of the whole response, and both the
 * charge and the bytes that pass are the same wherever the answer is split, compressed or not. Every stream, ended at any byte, is a whole stream.
 */
export async function run({ quick, seed, print }: ProofOptions): Promise<ProofResult> {
  const form = quick ? FORMS.quick : FORMS.full;
  const random = seeded(seed);
  const counts = { splits: 0, gzipped: 0, endings: 0, failures: 0 };
  await loadTokenizer();
  for (const answer of RECORDED_ANSWERS) {
    const whole = watch(answer, [answer.bytes]);
    const problem = problemOfWhole(answer, whole) ?? problemOfSplits(answer, whole, { random, form, counts })
      ?? await problemOfGzip(answer, whole, { random, form, counts }) ?? problemOfEndings(answer, { random, form, counts });
    if (problem !== null) counts.failures += 1;
    print(`  ${problem === null ? "ok  " : "FAIL"} ${answer.name}${problem === null ? "" : `: ${problem}`}`);
  }
  const { splits, gzipped, endings, failures } = counts;
  const figure = `${RECORDED_ANSWERS.length - failures} of ${RECORDED_ANSWERS.length} answers equal the price library to the nano-dollar; `
    + `${splits} splits, ${gzipped} of them compressed: same totals, same bytes; ${endings} endings whole`;
  return { holds: failures === 0, figure };
}

interface Trial {
  readonly random: () => number;
  readonly form: (typeof FORMS)["quick" | "full"];
  readonly counts: { splits: number; gzipped: number; endings: number };
}

function watch(answer: RecordedAnswer, chunks: readonly Buffer[]): Watched {
  const meter = openAnswerMeter(contextFor(answer), 200, answer.headers);
  const out = chunks.map((chunk) => meter.push(chunk));
  return { passed: Buffer.concat([...out, meter.end()]), use: meter.result("complete") };
}

function problemOfWhole(answer: RecordedAnswer, { passed, use }: Watched): string | null {
  if (!passed.equals(answer.passed ?? answer.bytes)) return "other bytes pass than should";
  if (use.isEstimated || use.alarms.length > 0) return `estimated, or alarmed: ${use.alarms.join()}`;
  const expected = libraryCost(answer);
  return use.amounts.usd === expected ? null : `charged ${use.amounts.usd} nano-dollars, the price library says ${expected}`;
}

function libraryCost({ provider, model, whole, costNanoUsd }: RecordedAnswer): bigint | null {
  const known = findProvider({ providerId: whole?.extractor ?? provider });
  if (whole === null || known === undefined) return costNanoUsd ?? null;
  const named = (whole.body as { readonly model?: string }).model ?? model;
  const priced = calcPrice(extractUsage(known, whole.body, whole.flavor).usage, named, { providerId: provider, timestamp: new Date(NOW_MS) });
  return priced === null ? null : BigInt(Math.ceil(priced.total_price * 1e9));
}

/** At every byte boundary, byte by byte, and at random places. */
function problemOfSplits(answer: RecordedAnswer, whole: Watched, { random, form, counts }: Trial): string | null {
  const { bytes } = answer;
  const single = Array.from({ length: bytes.length - 1 }, (_, index) => [index + 1]);
  const many = Array.from({ length: form.randomSplits }, () => randomCuts(bytes.length, random));
  for (const cuts of [...single, ...many, Array.from({ length: bytes.length - 1 }, (_, index) => index + 1)]) {
    counts.splits += 1;
    if (!isDeepStrictEqual(watch(answer, split(bytes, cuts)), whole)) return `not the same when split at ${cuts.join().slice(0, 200)}`;
  }
  return null;
}

async function problemOfGzip(answer: RecordedAnswer, whole: Watched, { random, form, counts }: Trial): Promise<string | null> {
  const zipped = gzipSync(answer.bytes);
  const single = Array.from({ length: Math.ceil((zipped.length - 1) / form.gzipStride) }, (_, index) => [1 + index * form.gzipStride]);
  for (const cuts of [...single, randomCuts(zipped.length, random)]) {
    counts.splits += 1;
    counts.gzipped += 1;
    if (!isDeepStrictEqual(watch(answer, await decoded(split(zipped, cuts))), whole)) return `not the same when compressed and split at ${cuts.join().slice(0, 200)}`;
  }
  return null;
}

function problemOfEndings(answer: RecordedAnswer, { form, counts }: Trial): string | null {
  // A stream in the form of another maker than Bedrock knows, and one without its last line, end in their own ways.
  if (!answer.isStream || /Llama|Nova|no last empty line/.test(answer.name)) return null;
  for (let cut = 0; cut < answer.bytes.length; cut += form.endingStride) {
    counts.endings += 1;
    const meter = openAnswerMeter(contextFor(answer), 200, answer.headers);
    const bytes = Buffer.concat([meter.push(answer.bytes.subarray(0, cut)), meter.cut()]);
    const problem = problemOf(answer.api, eventsIn(bytes, wireFormOf(answer)));
    if (problem !== null) return `ended at byte ${cut}: ${problem}`;
  }
  return null;
}

function wireFormOf({ headers }: RecordedAnswer): WireForm {
  if (headers === EVENT_SOURCE) return "event-source";
  return headers === AWS_STREAM ? "aws-event-stream" : "json-array";
}

function split(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  // Copies: a chunk that is kept must not be saved by its neighbour.
  return [0, ...cuts].map((from, index) => Buffer.from(bytes.subarray(from, cuts[index] ?? bytes.length)));
}

function randomCuts(length: number, random: () => number): readonly number[] {
  const cuts = Array.from({ length: 1 + Math.floor(random() * 40) }, () => 1 + Math.floor(random() * (length - 1)));
  return [...new Set(cuts)].sort((one, other) => one - other);
}

async function decoded(chunks: readonly Buffer[]): Promise<readonly Buffer[]> {
  const gunzip = createGunzip();
  const out: Buffer[] = [];
  gunzip.on("data", (chunk: Buffer) => { out.push(chunk); });
  const ended = once(gunzip, "end");
  for (const chunk of chunks) gunzip.write(chunk);
  gunzip.end();
  await ended;
  return out;
}
