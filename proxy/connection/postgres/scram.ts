import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { Secret } from "../../../common/secret.ts";
import { EgressError } from "../../errors.ts";
import { saslPrep } from "./sasl-prep.ts";

const HASH = "sha256";
const HASH_BYTES = 32;
const NONCE_BYTES = 18;
/** RFC 7677 §4 asks for 4096 at least; above the most, a server would have us work for it. */
const LEAST_ITERATIONS = 4_096;
const MOST_ITERATIONS = 1_000_000;
const SALT_LEAST_BYTES = 8;
const SALT_LIMIT_BYTES = 1_024;

const SERVER_FIRST = /^r=([\x21-\x2b\x2d-\x7e]{1,512}),s=([A-Za-z0-9+/]{4,2048}={0,2}),i=([1-9][0-9]{0,9})$/;
const SERVER_FINAL = /^v=([A-Za-z0-9+/]{43}=)$/;

export type Mechanism = "SCRAM-SHA-256" | "SCRAM-SHA-256-PLUS";

/**
 * The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), as PostgreSQL speaks it: the name is the one of the startup message, and empty here.
 * With channel binding (`tls-server-end-point`, RFC 5929 §4) the server proves that it ends this TLS connection. The password never leaves; what
 * the server proves is checked. Good for one login.
 */
export class ScramClient {
  readonly mechanism: Mechanism;
  readonly #nonce: string;
  readonly #header: string;
  readonly #binding: Buffer;
  readonly #password: Secret;
  #expected: Buffer | null = null;

  /**
   * @param offered mechanisms of the server
   * @param endPoint hash of the server's certificate; null where none can be had
   * @throws EgressError `upstream.untrusted` if the server offers none of the two
   */
  constructor(password: Secret, offered: readonly string[], endPoint: Buffer | null, nonce = randomBytes(NONCE_BYTES).toString("base64")) {
    const isBound = endPoint !== null && offered.includes("SCRAM-SHA-256-PLUS");
    if (!isBound && !offered.includes("SCRAM-SHA-256")) throw new EgressError("upstream.untrusted", "the server offers no SCRAM-SHA-256");
    this.mechanism = isBound ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
    // `y` tells a server that does offer it that somebody took its offer away (RFC 5802 §6).
    this.#header = isBound ? "p=tls-server-end-point,," : endPoint === null ? "n,," : "y,,";
    this.#binding = isBound ? endPoint : Buffer.alloc(0);
    this.#password = password;
    this.#nonce = nonce;
  }

  first(): string {
    return `${this.#header}${this.#firstBare}`;
  }

  /** @throws EgressError `upstream.malformed`, `upstream.untrusted` for what is no answer to {@link first} */
  async final(serverFirst: string): Promise<string> {
    const [, nonce = "", salt = "", iterations = ""] = SERVER_FIRST.exec(serverFirst) ?? [];
    const isAnswer = nonce.startsWith(this.#nonce) && nonce.length > this.#nonce.length;
    if (!isAnswer) throw new EgressError("upstream.untrusted", "SCRAM: the server does not answer what was asked");
    const salted = await this.#salted(Buffer.from(salt, "base64"), Number(iterations));
    const withoutProof = `c=${Buffer.concat([Buffer.from(this.#header), this.#binding]).toString("base64")},r=${nonce}`;
    const transcript = `${this.#firstBare},${serverFirst},${withoutProof}`;
    const clientKey = hmac(salted, "Client Key");
    const signature = hmac(createHash(HASH).update(clientKey).digest(), transcript);
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)));
    this.#expected = hmac(hmac(salted, "Server Key"), transcript);
    return `${withoutProof},p=${proof.toString("base64")}`;
  }

  /** Whether the server knows the password too. @throws EgressError `upstream.untrusted` */
  verify(serverFinal: string): void {
    const said = Buffer.from(SERVER_FINAL.exec(serverFinal)?.[1] ?? "", "base64");
    const expected = this.#expected;
    this.#expected = null;
    if (expected === null || said.byteLength !== HASH_BYTES || !timingSafeEqual(said, expected)) {
      throw new EgressError("upstream.untrusted", "SCRAM: the server does not prove that it knows the password");
    }
  }

  get #firstBare(): string {
    return `n=,r=${this.#nonce}`;
  }

  async #salted(salt: Buffer, iterations: number): Promise<Buffer> {
    const isSalt = salt.byteLength >= SALT_LEAST_BYTES && salt.byteLength <= SALT_LIMIT_BYTES;
    if (!isSalt) throw new EgressError("upstream.malformed", `SCRAM: a salt of ${salt.byteLength} bytes`);
    if (iterations < LEAST_ITERATIONS || iterations > MOST_ITERATIONS) throw new EgressError("upstream.untrusted", `SCRAM: ${iterations} iterations`);
    return promisify(pbkdf2)(saslPrep(this.#password.reveal()), salt, iterations, HASH_BYTES, HASH);
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac(HASH, key).update(text).digest();
}
