/** One way in which a destination may give a secret back. */
export type Form = (value: string) => string | Buffer;

const bytesOf = (value: string) => [...Buffer.from(value)];
const hex = (byte: number) => byte.toString(16).padStart(2, "0");
const each = (value: string, write: (byte: number) => string) => bytesOf(value).map(write).join("");
const lines = (text: string, width: number, end: string) => text.replace(new RegExp(`(.{${width}})`, "g"), `$1${end}`);
const base64 = (value: string, before: string) => Buffer.from(`${before}${value} and on`).toString("base64");
const inJson = (value: string) => JSON.stringify(value).slice(1, -1);
const named = (value: string) => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;").replaceAll("'", "&#39;");

/** Every form that SECURITY.md says is caught. */
export const FORMS: Readonly<Record<string, Form>> = {
  raw: (value) => value,
  upper: (value) => value.toUpperCase(),
  lower: (value) => value.toLowerCase(),
  reversed: (value) => [...value].toReversed().join(""),
  json: (value) => JSON.stringify({ authorization: `Bearer ${value}` }),
  "json-in-json": (value) => JSON.stringify(JSON.stringify({ token: value })),
  "json-escapes": (value) => each(value, (byte) => `\\u00${hex(byte)}`),
  "js-escapes": (value) => each(value, (byte) => `\\x${hex(byte)}`),
  octal: (value) => each(value, (byte) => `\\${byte.toString(8).padStart(3, "0")}`),
  percent: (value) => encodeURIComponent(value),
  "percent-lower": (value) => encodeURIComponent(value).replace(/%../g, (escape) => escape.toLowerCase()),
  "percent-all": (value) => each(value, (byte) => `%${hex(byte).toUpperCase()}`),
  "percent-twice": (value) => encodeURIComponent(encodeURIComponent(value)),
  "percent-all-twice": (value) => each(value, (byte) => `%25${hex(byte)}`),
  form: (value) => new URLSearchParams({ token: value }).toString(),
  html: named,
  "html-twice": (value) => named(named(value)),
  "html-decimal": (value) => each(value, (byte) => `&#${byte};`),
  "html-hex": (value) => each(value, (byte) => `&#x${hex(byte).toUpperCase()};`),
  hex: (value) => each(value, hex),
  "hex-upper": (value) => each(value, hex).toUpperCase(),
  "hex-colons": (value) => bytesOf(value).map(hex).join(":"),
  "hex-dump": (value) => lines(bytesOf(value).map(hex).join(" "), 48, "\n"),
  "hex-c": (value) => bytesOf(value).map((byte) => `0x${hex(byte)}`).join(", "),
  numbers: (value) => JSON.stringify(Buffer.from(value)),
  base64: (value) => base64(value, ""),
  "base64-1": (value) => base64(value, "x"),
  "base64-2": (value) => base64(value, "xy"),
  "base64-bare": (value) => Buffer.from(value).toString("base64").replaceAll("=", ""),
  basic: (value) => base64(value, "x-access-token:"),
  base64url: (value) => Buffer.from(`id:${value}`).toString("base64url"),
  "base64-mime": (value) => lines(base64(value, "x".repeat(40)), 76, "\r\n"),
  "base64-pem": (value) => lines(base64(value, "x".repeat(40)), 64, "\n"),
  "base64-in-json-lines": (value) => JSON.stringify(lines(base64(value, ""), 20, "\n")),
  "quoted-printable": (value) => lines(each(value, (byte) => `=${hex(byte).toUpperCase()}`), 72, "=\r\n"),
  utf16le: (value) => Buffer.from(`x${value}x`, "utf16le"),
  utf16be: (value) => Buffer.from(`x${value}x`, "utf16le").swap16(),
};

/** What is looked for, in lower case: written apart from what the boundary does, and without what stands around the secret. */
export function needlesOf(value: string): Map<string, Buffer> {
  const cores = [0, 1, 2].map((shift) => {
    const text = Buffer.from(`${"x".repeat(shift)}${value}`).toString("base64").replaceAll("=", "");
    return text.slice(shift === 0 ? 0 : shift + 1, -1);
  });
  const texts: Record<string, string> = {
    raw: value, reversed: [...value].toReversed().join(""), json: inJson(value), "json-in-json": inJson(inJson(value)), percent: encodeURIComponent(value), twice: encodeURIComponent(encodeURIComponent(value)),
    "percent-all": each(value, (byte) => `%${hex(byte)}`), "percent-all-twice": each(value, (byte) => `%25${hex(byte)}`), "json-escapes": each(value, (byte) => `\\u00${hex(byte)}`), "js-escapes": each(value, (byte) => `\\x${hex(byte)}`),
    octal: each(value, (byte) => `\\${byte.toString(8).padStart(3, "0")}`), html: named(value), "html-twice": named(named(value)), "html-decimal": each(value, (byte) => `&#${byte};`), "html-hex": each(value, (byte) => `&#x${hex(byte)};`),
    hex: each(value, hex), "hex-colons": bytesOf(value).map(hex).join(":"), "hex-spaces": bytesOf(value).map(hex).join(" "), "hex-c": bytesOf(value).map((byte) => `0x${hex(byte)}`).join(", "),
    numbers: bytesOf(value).join(","), "quoted-printable": each(value, (byte) => `=${hex(byte)}`), form: new URLSearchParams({ "": value }).toString().slice(1),
    ...Object.fromEntries(cores.flatMap((core, shift) => [[`base64-${shift}`, core], [`base64url-${shift}`, core.replaceAll("+", "-").replaceAll("/", "_")]])),
    utf16: Buffer.from(value, "utf16le").toString("latin1").slice(0, -1),
  };
  return new Map(Object.entries(texts).map(([name, text]) => [name, Buffer.from(lowerCase(text), "latin1")]));
}

export function lowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
