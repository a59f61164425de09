/**
 * Hosts that sell the tokens of models, their own or others', and whose calls are not read here: a budget of tokens or dollars refuses them, until
 * an operator declares them in `metering.hosts`. Each stands for the names below it too.
 */
const SELLERS: Readonly<Record<string, readonly string[]>> = {
  "huggingface": ["router.huggingface.co", "api-inference.huggingface.co"],
  "github": ["models.github.ai"],
  "deepinfra": ["api.deepinfra.com"],
  "vercel": ["ai-gateway.vercel.sh"],
  "cloudflare": ["gateway.ai.cloudflare.com"],
  "nvidia": ["integrate.api.nvidia.com", "ai.api.nvidia.com"],
  "sambanova": ["api.sambanova.ai"],
  "nebius": ["api.studio.nebius.ai", "api.studio.nebius.com", "api.tokenfactory.nebius.com"],
  "hyperbolic": ["api.hyperbolic.xyz"],
  "nscale": ["inference.api.nscale.com"],
  "alibaba": ["dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com", "maas.aliyuncs.com"],
  "siliconflow": ["api.siliconflow.com", "api.siliconflow.cn"],
  "volcengine": ["ark.cn-beijing.volces.com", "ark.ap-southeast.bytepluses.com"],
  "moonshotai": ["api.kimi.com"],
  "xiaomi": ["api.xiaomimimo.com"],
  "stepfun": ["api.stepfun.com", "api.stepfun.ai"],
  "baidu": ["qianfan.baidubce.com"],
  "tencent": ["api.hunyuan.cloud.tencent.com"],
  "replicate": ["api.replicate.com"],
  "ai21": ["api.ai21.com"],
  "chutes": ["llm.chutes.ai"],
  "opencode": ["opencode.ai"],
  "poe": ["api.poe.com"],
  "requesty": ["router.requesty.ai"],
  "helicone": ["ai-gateway.helicone.ai", "oai.helicone.ai", "anthropic.helicone.ai"],
  "portkey": ["api.portkey.ai"],
  "venice": ["api.venice.ai"],
  "scaleway": ["api.scaleway.ai"],
  "digitalocean": ["inference.do-ai.run"],
  "wandb": ["api.inference.wandb.ai"],
  "upstage": ["api.upstage.ai"],
  "inception": ["api.inceptionlabs.ai"],
  "cursor": ["api.cursor.com"],
};
const BY_HOST = new Map(Object.entries(SELLERS).flatMap(([id, hosts]) => hosts.map((host) => [host, id] as const)));

/** @param host lower case, no trailing dot @returns whom it belongs to; null if it is none of these */
export function sellerOf(host: string): string | null {
  for (let at = 0; ; at += 1) {
    const found = BY_HOST.get(host.slice(at));
    if (found !== undefined) return found;
    at = host.indexOf(".", at);
    if (at < 0) return null;
  }
}
