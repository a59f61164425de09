/** Which addresses a pod of this node has: what binds a Kubernetes token to the peer that shows it. */
export interface PodDirectory {
  /**
   * @returns the pod's addresses in canonical text; null if no pod with this UID runs on this node, deleted ones included
   * @throws if the directory cannot tell; the token is then not accepted
   */
  addressesOf(podUid: string, signal: AbortSignal): Promise<readonly string[] | null>;
}
