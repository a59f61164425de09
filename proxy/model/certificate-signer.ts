/** A certificate authority elsewhere, which signs ours. */
export interface CertificateSigner {
  /** For messages: where it is. */
  readonly describe: string;
  /**
   * @param requestPem PKCS#10; the key stays with who asks
   * @returns PEM: the CA certificate, which may sign leaves alone, then those above it up to the root
   * @throws Error in our own words, soon
   */
  signIntermediate(requestPem: string, wish: { readonly commonName: string; readonly lifetimeMs: number }): Promise<string>;
}
