// A program that knows nothing of Weir: calls an API again and again, and prints how that went.
import { stdout } from "node:process";

// As the first process of its container it gets no signal that it does not ask for.
process.once("SIGTERM", () => { process.exit(); });

for (let beat = 0; ; beat += 1) {
  try {
    const answer = await fetch(`https://api.github.com/repos/weir/beat?${beat}`, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    stdout.write(`${beat} ${answer.status}\n`);
  } catch (error) {
    stdout.write(`${beat} ${error.cause?.code ?? error.name}\n`);
  }
  await new Promise((resolve) => { setTimeout(resolve, 200); });
}
