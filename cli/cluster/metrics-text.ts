/** One sample of a metric. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Samples of the text format (version 0.0.4) of Prometheus whose name begins so; lines that are something else are passed over. */
export function readSamples(text: string, prefix: string): Sample[] {
  return text.split("\n").filter((line) => line.startsWith(prefix)).flatMap((line) => {
    const [, name, labels = "", value] = LINE.exec(line) ?? [];
    if (name === undefined || value === undefined || Number.isNaN(Number(value))) return [];
    return [{ name, value: Number(value), labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, key = "", raw = ""]) => [key, unescaped(raw)])) }];
  });
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}
