// Says each message in a chat channel. The chat's token is lent by the boundary, to this agent alone.
import { serve } from "../weir.mjs";

const { CHAT_API = "https://slack.com/api", CHAT_CHANNEL = "#incidents" } = process.env;

await serve(async (message) => {
  const response = await fetch(`${CHAT_API}/chat.postMessage`, {
    method: "POST", headers: { "content-type": "application/json; charset=utf-8" }, signal: AbortSignal.timeout(30_000),
    body: JSON.stringify({ channel: CHAT_CHANNEL, text: message.body }),
  });
  // The chat says in the body whether it took the message; the boundary's refusals come with a reason.
  const { ok, error, reason } = await response.json();
  return { answer: ok === true ? `told ${CHAT_CHANNEL}` : `could not tell ${CHAT_CHANNEL}: ${response.status} ${reason ?? error}` };
});
