import type { Attempt } from "../../netns/lab/attempts.ts";

/** What was tried, and what of it went otherwise than it must. */
export class Tally {
  readonly #print: (line: string) => void;
  readonly #faults: string[] = [];
  #attempts = 0;
  #leakedPackets = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  attempt(where: string, attempt: Attempt): void {
    this.#attempts += 1;
    if (!attempt.ok) this.fault(`${where}: ${attempt.name} ended with "${attempt.outcome}", not ${attempt.expect}`);
  }

  leaked(where: string, what: string, packets: number): void {
    if (packets === 0) return;
    this.#leakedPackets += packets;
    this.fault(`${where}: ${packets} packets got out during ${what}`);
  }

  /** A fact that must hold beside the attempts. */
  expect(holds: boolean, fault: string): void {
    if (!holds) this.fault(fault);
  }

  fault(line: string): void {
    this.#faults.push(line);
    this.#print(`  FAULT ${line}`);
  }

  holds(): boolean {
    return this.#attempts > 0 && this.#faults.length === 0;
  }

  figure(): string {
    return `${this.#attempts} attempts, ${this.#leakedPackets} packets out, ${this.#faults.length} faults`;
  }
}
