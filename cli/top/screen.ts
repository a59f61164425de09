import type { TopPage } from "./top-lines.ts";

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const END_OF_LINE = "\u001b[K";
const END_OF_SCREEN = "\u001b[J";
const INVERSE = "\u001b[7m";
const PLAIN = "\u001b[0m";
const QUIT = /^[qQ\u0003\u0004\u001b]$/;

/** As much of a terminal as a view that refreshes needs. */
export interface Terminal {
  readonly input: Pick<NodeJS.ReadStream, "setRawMode" | "on" | "off" | "resume" | "pause">;
  readonly output: Pick<NodeJS.WriteStream, "write" | "on" | "off" | "columns" | "rows">;
}

/**
 * A view on the terminal's other screen: what stood there before is there again afterwards. Each picture is one write that only overwrites, so that
 * nothing flickers.
 */
export class Screen {
  readonly #terminal: Terminal;
  readonly #quit = new AbortController();
  readonly #onKey = (key: Buffer): void => { if (QUIT.test(key.toString("utf8"))) this.#quit.abort(); };
  readonly #onResize: () => void;

  /** @param onResize draws again */
  constructor(terminal: Terminal, onResize: () => void) {
    this.#terminal = terminal;
    this.#onResize = onResize;
    const { input, output } = terminal;
    input.setRawMode(true);
    input.resume();
    input.on("data", this.#onKey);
    output.on("resize", this.#onResize);
    output.write(ENTER);
  }

  /** Aborts when its reader has had enough: q, Escape, Ctrl-C, Ctrl-D. */
  get quit(): AbortSignal {
    return this.#quit.signal;
  }

  get width(): number {
    return this.#terminal.output.columns;
  }

  draw(page: TopPage): void {
    const { output } = this.#terminal;
    const room = Math.max(0, output.rows - 4 - page.notes.length);
    const rest = page.lines.length - room;
    const lines = [
      page.summary, "", `${INVERSE}${page.headings.padEnd(output.columns)}${PLAIN}`, ...page.lines.slice(0, room), ...page.notes,
      rest > 0 ? `q quits · ${rest} more do not fit` : "q quits",
    ];
    output.write(`${HOME}${lines.map((line) => `${line}${END_OF_LINE}`).join("\r\n")}${END_OF_SCREEN}`);
  }

  /** Gives the terminal back as it was. */
  close(): void {
    const { input, output } = this.#terminal;
    input.off("data", this.#onKey);
    output.off("resize", this.#onResize);
    input.setRawMode(false);
    input.pause();
    output.write(LEAVE);
  }
}
