// The job: asks the status service whether the service named on standard input is healthy. Exit code 1 if it is not.
import { text } from "node:stream/consumers";

const { STATUS_API = "https://status.example.com" } = process.env;

async function check(name) {
  if (!/^[a-z0-9-]{1,40}$/.test(name)) throw new Error("send the name of one service");
  const response = await fetch(`${STATUS_API}/services/${name}`, { signal: AbortSignal.timeout(30_000) });
  const { healthy, detail, reason } = await response.json();
  if (!response.ok) throw new Error(`${name}: ${response.status} ${reason ?? ""}`.trim());
  if (healthy !== true) throw new Error(`${name} is not healthy: ${detail}`);
  return `${name} is healthy`;
}

try {
  console.log(await check((await text(process.stdin)).trim()));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
