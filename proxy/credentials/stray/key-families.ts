/** Keys of one issuer, by the shape that its documentation gives or its clients check. */
export interface KeyFamily {
  readonly name: string;
  /** Of one whole run of key characters (key-runs.ts). Anchored, without nested repetition: linear. */
  readonly pattern: RegExp;
  /** False where the shape is no secret by itself and stands in public links: then only fields are looked at. */
  readonly isSecret: boolean;
}

const family = (name: string, pattern: RegExp, isSecret = true): KeyFamily => ({ name, pattern, isSecret });

/** Long or rare enough that nothing else looks like one of them by chance. */
export const KEY_FAMILIES: readonly KeyFamily[] = [
  family("anthropic", /^sk-ant-[A-Za-z0-9_-]{60,200}$/),
  family("openrouter", /^sk-or-v1-[0-9a-f]{64}$/),
  family("openai", /^sk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,250}|[A-Za-z0-9]{48})$/),
  family("google", /^AIza[A-Za-z0-9_-]{35}$/),
  family("github", /^(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{82})$/),
  family("gitlab", /^gl(?:pat|dt|rt|oas)-[A-Za-z0-9_-]{20,64}$/),
  family("slack", /^xox[abeprs]-[A-Za-z0-9-]{20,250}$/),
  family("npm", /^npm_[A-Za-z0-9]{36}$/),
  family("pypi", /^pypi-AgE[A-Za-z0-9_-]{50,250}$/),
  family("docker", /^dckr_pat_[A-Za-z0-9_-]{27}$/),
  family("huggingface", /^hf_[A-Za-z0-9]{34,40}$/),
  family("stripe", /^[rs]k_(?:live|test)_[A-Za-z0-9]{24,250}$/),
  family("groq", /^gsk_[A-Za-z0-9]{52}$/),
  family("xai", /^xai-[A-Za-z0-9]{80}$/),
  family("notion", /^ntn_[A-Za-z0-9]{40,60}$/),
  family("linear", /^lin_(?:api|oauth)_[A-Za-z0-9]{40,64}$/),
  // An access key id is in every presigned link.
  family("aws", /^(?:AKIA|ASIA)[A-Z2-7]{16}$/, false),
];
