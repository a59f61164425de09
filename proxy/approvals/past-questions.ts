import { LIST_LIMIT, type AnswerDelivery } from "../../common/approvals/views.ts";
import type { RecordedApproval } from "../model/record.ts";
import type { Tell } from "./desk-listener.ts";
import type { Ending } from "./question.ts";

interface Past {
  readonly ending: Ending;
  readonly delivery: PromiseWithResolvers<AnswerDelivery>;
}

/** How questions ended, for whoever answers too late, and what came of answers, for whoever gave one. The oldest are forgotten. */
export class PastQuestions {
  readonly #tell: Tell;
  readonly #past = new Map<string, Past>();
  /** Questions by the answers that requests were given. */
  readonly #given = new WeakMap<RecordedApproval, string>();

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  add(id: string, ending: Ending): void {
    this.#past.set(id, { ending, delivery: Promise.withResolvers() });
    const [oldest] = this.#past.keys();
    if (this.#past.size > LIST_LIMIT && oldest !== undefined) this.#past.delete(oldest);
  }

  endingOf(id: string): Ending | null {
    return this.#past.get(id)?.ending ?? null;
  }

  /** Resolves once the request has said what it made of the answer; null at once where nobody's answer ended the question. */
  async deliveryOf(id: string): Promise<AnswerDelivery | null> {
    const past = this.#past.get(id);
    return past === undefined || past.ending.by === null ? null : await past.delivery.promise;
  }

  /** A request was given this yes, and will say whether it goes on. */
  give(id: string, approval: RecordedApproval): void {
    this.#given.set(approval, id);
  }

  tellBack(approval: RecordedApproval, goesOn: boolean): void {
    const id = this.#given.get(approval);
    if (id === undefined) return;
    this.#given.delete(approval);
    this.deliver(id, goesOn ? "went-on" : "refused");
  }

  deliver(id: string, delivery: AnswerDelivery): void {
    const past = this.#past.get(id);
    if (past === undefined) return;
    past.delivery.resolve(delivery);
    this.#tell((listener) => { listener.delivered?.(id, past.ending, delivery); });
  }
}
