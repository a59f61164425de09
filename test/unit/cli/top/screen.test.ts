import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { Screen, type Terminal } from "../../../../cli/top/screen.ts";

class Input extends EventEmitter {
  raw: boolean[] = [];
  setRawMode(isRaw: boolean): this {
    this.raw.push(isRaw);
    return this;
  }
  resume(): this { return this; }
  pause(): this { return this; }
}
class Output extends EventEmitter {
  columns = 60;
  rows = 8;
  readonly written: string[] = [];
  write(text: string): boolean {
    this.written.push(text);
    return true;
  }
}

function open(): { readonly input: Input; readonly output: Output; readonly screen: Screen; readonly resized: () => number } {
  const [input, output] = [new Input(), new Output()];
  let resized = 0;
  return { input, output, screen: new Screen({ input, output } as unknown as Terminal, () => { resized += 1; }), resized: () => resized };
}
const page = (lines: number) => ({ summary: "s", headings: "h", lines: Array.from({ length: lines }, (_, index) => `line ${index}`), notes: [] });

test("each picture is one write that fits the screen, and says what does not", () => {
  const { output, screen } = open();
  screen.draw(page(10));
  expect(output.written).toHaveLength(2);
  const picture = output.written[1] ?? "";
  expect(picture.split("\r\n")).toHaveLength(8);
  expect(picture).toContain("line 3");
  expect(picture).not.toContain("line 4");
  expect(picture).toContain("6 more do not fit");
});

test.each(["q", "Q", "\u0003", "\u001b"])("%j ends it, another key does not", (key) => {
  const { input, screen } = open();
  input.emit("data", Buffer.from("x"));
  expect(screen.quit.aborted).toBe(false);
  input.emit("data", Buffer.from(key));
  expect(screen.quit.aborted).toBe(true);
});

test("a terminal of another size is drawn anew", () => {
  const { output, resized } = open();
  output.emit("resize");
  expect(resized()).toBe(1);
});

test("the terminal is given back as it was", () => {
  const { input, output, screen } = open();
  screen.close();
  expect([input.raw, input.listenerCount("data"), output.listenerCount("resize")]).toEqual([[true, false], 0, 0]);
  expect(output.written.at(-1)).toBe("\u001b[?25h\u001b[?1049l");
});
