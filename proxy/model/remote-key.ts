/** A signing key (Ed25519, RFC 8032) that is kept elsewhere and never leaves there. Its versions are different keys; the highest is the newest. */
export interface RemoteKey {
  /** For messages: where it is. */
  readonly describe: string;
  /** The 32 bytes of the public key of each version that still signs. @throws Error in our own words, soon */
  publicKeys(): Promise<ReadonlyMap<number, Buffer>>;
  /** @returns 64 bytes @throws Error in our own words, soon */
  sign(version: number, message: Buffer): Promise<Buffer>;
}
