import type { Loan } from "../model/loan.ts";
import type { RecordedRedaction } from "../model/record.ts";

type Place = RecordedRedaction["place"];

/** Counts what was masked in an answer: whose it was and where it stood, never what it was. */
export class Redactions {
  readonly #loan: Loan;
  readonly #counts = new Map<string, number>();

  constructor(loan: Loan) {
    this.#loan = loan;
  }

  /** @returns what a scrubber of that place is to be told finds by */
  at(place: Place): (secret: number) => void {
    return (secret) => {
      const owner = this.#loan.owners[secret] ?? 0;
      const key = `${place} ${owner}`;
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    };
  }

  /** For the record; at most one for each grant and place. */
  get recorded(): readonly RecordedRedaction[] {
    return [...this.#counts].map(([key, count]) => {
      const [place, owner] = key.split(" ");
      return { place: place as Place, reference: this.#loan.references[Number(owner)] ?? "", count };
    });
  }
}
