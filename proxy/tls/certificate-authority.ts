import type { SecureContext } from "node:tls";

/** Mints leaves for names that policy let through, and only after it did. */
export interface CertificateAuthority {
  /** PEM of the CA certificate that agents must trust. */
  readonly caPem: string;
  /**
   * A server context with a leaf for exactly this host (DNS name in lower case, or an IP literal); cached, one mint at a time for each host.
   * @throws EgressError `internal` if the host is not a valid reference identity
   */
  contextFor(host: string): Promise<SecureContext>;
}
