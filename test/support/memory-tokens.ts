import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from "jose";
import type { KubeObject } from "../../common/kube/kube-api.ts";
import type { MemoryKubeApi } from "./kube/memory-api.ts";

export const MEMORY_ISSUER = "https://kubernetes.test";

/** Gives a cluster in memory an issuer of service-account tokens, as an API server is one. */
export class MemoryTokens {
  readonly #key: CryptoKey;
  /** UIDs whose tokens no longer count. */
  readonly revoked = new Set<string>();
  /** Pods whose tokens were asked about. */
  readonly reviewed: string[] = [];
  isDown = false;

  private constructor(key: CryptoKey) {
    this.#key = key;
  }

  static async of(api: MemoryKubeApi): Promise<MemoryTokens> {
    const { publicKey, privateKey } = await generateKeyPair("ES256");
    const tokens = new MemoryTokens(privateKey);
    const jwk = { ...await exportJWK(publicKey), kid: "k1", alg: "ES256", use: "sig" };
    const up = <T>(answer: (body: object | undefined) => T) => (body: object | undefined): T => {
      if (tokens.isDown) throw new Error("down");
      return answer(body);
    };
    api.answers.set("/.well-known/openid-configuration", up(() => ({ issuer: MEMORY_ISSUER })));
    api.answers.set("/openid/v1/jwks", up(() => ({ keys: [jwk] })));
    api.answers.set("/apis/authentication.k8s.io/v1/tokenreviews", up((body) => tokens.#review(body)));
    return tokens;
  }

  /** A projected token of this pod. */
  async for({ metadata, spec }: KubeObject, { audience = "weir-proxy", lifeSeconds = 600, startSeconds = 0 } = {}): Promise<string> {
    const { nodeName } = spec as { readonly nodeName: string };
    const now = Math.floor(Date.now() / 1_000) + startSeconds;
    const { namespace, name, uid } = metadata;
    const claims = { namespace, pod: { name, uid }, node: { name: nodeName, uid: "n" }, serviceaccount: { name: "default", uid: "s" } };
    return new SignJWT({ "kubernetes.io": claims }).setProtectedHeader({ alg: "ES256", kid: "k1" }).setIssuer(MEMORY_ISSUER).setAudience(audience)
      .setIssuedAt(now).setNotBefore(now).setExpirationTime(now + lifeSeconds).sign(this.#key);
  }

  #review(body: object | undefined): object {
    const { token, audiences } = (body as { readonly spec: { readonly token: string; readonly audiences: readonly string[] } }).spec;
    const payload = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { "kubernetes.io": { pod: { uid: string } } };
    const { uid } = payload["kubernetes.io"].pod;
    this.reviewed.push(uid);
    if (this.revoked.has(uid)) return { status: { error: "revoked" } };
    const user = { username: "system:serviceaccount:agents:default", uid: "s", groups: [], extra: { "authentication.kubernetes.io/pod-uid": [uid] } };
    return { status: { authenticated: true, audiences, user } };
  }
}
