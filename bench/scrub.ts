import { randomBytes } from "node:crypto";
import { Secret } from "../common/secret.ts";
import { Scrubber, scrubText } from "../proxy/exchange/scrub.ts";

export interface ScrubBenchResult {
  readonly scenario: string;
  readonly secrets: number;
  /** User and system time of this process. */
  readonly cpuMsPerMb: number;
}

const MB = 1_000_000;
const WORDS = ["the", "value", "of", '{"id":', "chatcmpl-123", "token", "\n", "data: ", "delta", "<b>", "%20", "https://api.example.com/v1/things?page=2"];
const FIELDS = [
  "text/event-stream; charset=utf-8", "max-age=0, private, must-revalidate", 'W/"5eb63bbbe01eeed093cb22bb8f5acdc3"', "https://api.example.com/v1/things?page=2",
  "01K9Z7V3M4Q8TTTT", "Wed, 21 Oct 2026 07:28:00 GMT",
];

/** What it costs to search an answer: text and base64, in large pieces and as events of 100 bytes, for 0, 1, 4 and 16 secrets; and the fields of a head. */
export function run({ megabytes = 8, print = (line: string) => { process.stdout.write(`${line}\n`); } } = {}): ScrubBenchResult[] {
  const text = Buffer.from(Array.from({ length: (megabytes * MB) / 12 }, (_, at) => WORDS[(at * 7 + (at >> 3)) % WORDS.length]).join(" "));
  const base64 = Buffer.from(randomBytes((megabytes * MB * 3) / 4).toString("base64"));
  const near = Buffer.from(`${secretText(0).slice(0, -1)} `.repeat(20_000));
  const loads = { "text, 64 KiB": [text, 65_536], "text, 100 bytes": [text, 100], "base64, 64 KiB": [base64, 65_536], "near misses, 64 KiB": [near, 65_536] } as const;
  const results: ScrubBenchResult[] = [];
  print(`searching answers on node ${process.versions.node}, ${process.arch}\n${"".padEnd(24)}${[0, 1, 4, 16].map((count) => `${count} secrets`.padStart(12)).join("")}   CPU ms/MB`);
  for (const [scenario, [bytes, pieceBytes]] of Object.entries(loads)) {
    const row = [0, 1, 4, 16].map((secrets) => ({ scenario, secrets, cpuMsPerMb: measure(bytes, pieceBytes, secretsOf(secrets)) }));
    results.push(...row);
    print(scenario.padEnd(24) + row.map(({ cpuMsPerMb }) => cpuMsPerMb.toFixed(2).padStart(12)).join(""));
  }
  print(`${"fields of a head".padEnd(24)}${[1, 4, 16].map((secrets) => `${headMicros(secretsOf(secrets)).toFixed(2)} us for ${secrets}`.padStart(16)).join("")}`);
  return results;
}

function secretText(index: number): string {
  return `sk-proj-${index}-a8Kd93jDk3lsP0q9ZxVbNm1234567890abcd${index * 7_919}`;
}

function secretsOf(count: number): readonly Secret[] {
  return Array.from({ length: count }, (_, index) => new Secret(secretText(index)));
}

/** The better of three rounds, after one that is not counted. */
function measure(bytes: Buffer, pieceBytes: number, secrets: readonly Secret[]): number {
  const rounds = [0, 1, 2, 3].map(() => {
    const cpu = process.cpuUsage();
    through(bytes, pieceBytes, secrets);
    const { user, system } = process.cpuUsage(cpu);
    return (user + system) / 1_000 / (bytes.byteLength / MB);
  });
  return Math.min(...rounds.slice(1));
}

function through(bytes: Buffer, pieceBytes: number, secrets: readonly Secret[]): number {
  const scrubber = secrets.length === 0 ? null : new Scrubber(secrets);
  let passed = 0;
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    passed += scrubber === null ? piece.byteLength : scrubber.push(piece).byteLength;
  }
  return passed;
}

function headMicros(secrets: readonly Secret[]): number {
  const heads = 20_000;
  const one = () => { for (const value of FIELDS) for (let twice = 0; twice < 2; twice += 1) scrubText(value, secrets); };
  for (let at = 0; at < heads; at += 1) one();
  const cpu = process.cpuUsage();
  for (let at = 0; at < heads; at += 1) one();
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / heads;
}

if (import.meta.main) run();
