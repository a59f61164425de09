/** What is held back. */
interface Flow {
  resume(): void;
}

/** Why a destination's answer waits: the agent reads slowly, the ledger is being asked, or both. It goes on when neither holds it. */
export class FlowGate {
  /** Null until it flows. */
  flow: Flow | null = null;
  #isFull = false;
  #waits = 0;

  /** True while the agent has to read before more may come. */
  get isFull(): boolean {
    return this.#isFull;
  }

  get isOpen(): boolean {
    return !this.#isFull && this.#waits === 0;
  }

  fill(): void {
    this.#isFull = true;
  }

  /** The agent reads again. */
  drain(): void {
    this.#isFull = false;
    this.#goOn();
  }

  /** Stays closed until this resolves. @param asked never rejects */
  waitFor(asked: Promise<unknown>): void {
    this.#waits += 1;
    void asked.then(() => {
      this.#waits -= 1;
      this.#goOn();
    });
  }

  #goOn(): void {
    if (this.isOpen) this.flow?.resume();
  }
}
