import { gzipSync } from "node:zlib";
import { packFiles, unpackFiles } from "../../../proxy/policy/bundles/files.ts";
import { keysOf, policyFiles, signed, type TestKeys } from "../../support/signed-bundles.ts";

export const HOST = "api.swaps.test";
/** Its permission comes and goes. */
export const FLEETING_HOST = "stream.swaps.test";
export const FLEETING_DATABASE = "tunnel.swaps.test";

/** Small on the wire, and gigabytes once something is made of each number. */
const MANY_NUMBERS = Buffer.from(`[${"0,".repeat(15 << 20)}0]`);

/** How many kinds of bad bundles there are. */
export const BAD_KINDS = 12;

/** A bundle that must be refused, and what the refusal says. */
export interface BadBundle {
  readonly what: string;
  readonly says: RegExp;
  readonly packed: Buffer;
}

/** The proof's publisher: bundles that are fit, one revision after the other, and bundles that are not. */
export class Publisher {
  readonly keys: TestKeys = keysOf();
  readonly #strangers = keysOf();
  readonly #endless = gzipSync(Buffer.alloc(200 << 20));
  readonly #huge = Buffer.alloc((32 << 20) + 1, "x");
  #inForce = 0;
  /** Bad bundles have revisions too, and no fit one has the same. */
  #last = 0;

  /** Of the last bundle that was fit. */
  get revision(): string {
    return `${this.#inForce}-proof`;
  }

  /** The next revision. Its rule names it, so that what decided can be told from what says so. */
  async next(isFleetingAllowed: boolean): Promise<Buffer> {
    this.#inForce = this.#last += 1;
    return signed(await this.#files(this.#inForce, isFleetingAllowed), this.keys);
  }

  /** One bundle of each kind that must never come into force, while the last of `next` is. */
  async bad(kind: number): Promise<BadBundle> {
    const [now, after] = [this.#inForce, this.#last += 1];
    const good = await signed(await this.#files(after, true), this.keys);
    const damaged = Buffer.from(good);
    damaged[damaged.byteLength >> 1]! ^= 0xff;
    const kinds: readonly (() => Promise<BadBundle> | BadBundle)[] = [
      () => ({ what: "corrupt", says: /not a gzip file|cannot be unpacked/, packed: damaged }),
      () => ({ what: "truncated", says: /is cut off/, packed: good.subarray(0, good.byteLength >> 1) }),
      async () => ({ what: "unsigned", says: /is not signed/, packed: await packFiles(await this.#files(after, true)) }),
      async () => ({ what: "wrongly signed", says: /signature does not hold/, packed: await signed(await this.#files(after, true), this.#strangers) }),
      async () => ({ what: "changed after it was signed", says: /"data\.json" of the bundle is not what was signed/, packed: await packFiles(new Map([...await unpackFiles(good), ["data.json", Buffer.from("{}")]])) }),
      async () => ({ what: "grown after it was signed", says: /does not cover "more\.json"/, packed: await packFiles(new Map([...await unpackFiles(good), ["more.json", Buffer.from("{}")]])) }),
      async () => ({ what: "signed, and no policy", says: /cannot use the policy/, packed: await signed(new Map([...await this.#files(after, true), ["policy.wasm", Buffer.from("\0asm")]]), this.keys) }),
      async () => ({ what: "older", says: /is lower than/, packed: await signed(await this.#files(now - 1, true), this.keys) }),
      async () => ({ what: "same revision, other content", says: /was in force with other content/, packed: await signed(await this.#files(now, true, "other"), this.keys) }),
      () => ({ what: "oversized", says: /larger than/, packed: this.#huge }),
      () => ({ what: "a bomb", says: /unpacks to more than/, packed: this.#endless }),
      async () => ({ what: "a bomb that only parsing JSON shows", says: /policy\.memoryLimitBytes/, packed: await packFiles(new Map([...await unpackFiles(good), ["data.json", MANY_NUMBERS]])) }),
    ];
    if (kinds.length !== BAD_KINDS) throw new TypeError(`there are ${kinds.length} kinds of bad bundles`);
    return (kinds[kind % BAD_KINDS] ?? kinds[0]!)();
  }

  async #files(number: number, isFleetingAllowed: boolean, mark = "proof") {
    const fleeting = [{ name: FLEETING_HOST, rule: "stream", methods: ["*"], websocket: true }, { name: FLEETING_DATABASE, rule: "tunnel", ports: [7_000], handling: "tunnel" }];
    return policyFiles({ hosts: [{ name: HOST, rule: `${mark}.v${number}`, methods: ["GET"] }, ...(isFleetingAllowed ? fleeting : [])] }, `${number}-proof`);
  }
}

