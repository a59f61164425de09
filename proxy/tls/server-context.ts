import { constants } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";

/** Forward secrecy and authenticated encryption only; AES-128 first, as the way is one hop inside a machine. */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305",
].join(":");

/**
 * The settings of every intercepted connection: TLS 1.2 and 1.3, no tickets (a session of one agent must never be resumed by another, and
 * a resumed one would outlive its screening), no renegotiation, no early data (OpenSSL takes none unless told to).
 */
export function serverContext(certificatesPem: string, keyPem: string): SecureContext {
  return createSecureContext({
    cert: certificatesPem,
    key: keyPem,
    minVersion: "TLSv1.2",
    ciphers: CIPHERS,
    honorCipherOrder: true,
    ecdhCurve: "X25519:P-256:P-384",
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  });
}
