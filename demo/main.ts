import pc from "picocolors";
import { readEnvironment } from "../common/config.ts";
import { SCENES, type Scene } from "./scenes.ts";
import { buildWorld, type World } from "./world.ts";

/** Plays the story of one agent behind the boundary. Exit code 0 if every scene went as expected. */
async function play(): Promise<void> {
  const colors = pc.createColors(process.stdout.isTTY && (readEnvironment()["NO_COLOR"] ?? "") === "");
  const say = (line: string) => { process.stdout.write(`${line}\n`); };
  const doctor = await buildWorld().then(async (world) => ({ world, result: await world.stage.weir(["doctor", "--config", world.stage.configFile]) }));
  const { world } = doctor;
  try {
    if (doctor.result.code !== 0) {
      say(doctor.result.stdout + doctor.result.stderr);
      say("demo: this machine cannot run the sandbox yet; the lines marked FAIL say what to do");
      process.exitCode = doctor.result.code ?? 1;
      return;
    }
    say(colors.bold("An agent runs with full power inside; everything it can affect outside passes one boundary.\n"));
    let asExpected = 0;
    for (const [index, scene] of SCENES.entries()) asExpected += await playScene(scene, index + 1, world, { colors, say });
    asExpected += await showAudit(world, { colors, say });
    const total = SCENES.length + 2;
    say(`\ndemo: ${asExpected} of ${total} scenes as expected`);
    process.exitCode = asExpected === total ? 0 : 1;
  } finally {
    await world.close();
  }
}

interface Screen {
  readonly colors: ReturnType<typeof pc.createColors>;
  say(line: string): void;
}

async function playScene(scene: Scene, number: number, world: World, { colors, say }: Screen): Promise<number> {
  const result = await world.stage.run(scene.command, { env: world.environment });
  const holds = scene.holds(result, world);
  say(`${holds ? colors.green("ok  ") : colors.red("FAIL")} ${String(number).padStart(2)} ${scene.title}`);
  say(colors.dim(`        ${clip(scene.show(result, world), 150)}`));
  if (!holds) say(`${JSON.stringify(result, null, 2)}`);
  return holds ? 1 : 0;
}

async function showAudit(world: World, { colors, say }: Screen): Promise<number> {
  const tail = await world.stage.weir(["audit", "tail", "--config", world.stage.configFile, "--agent", "demo", "-n", "60"]);
  const hasBoth = tail.code === 0 && tail.stdout.includes("api.weather.test") && tail.stdout.includes("paste.exfil.test");
  say(`${hasBoth ? colors.green("ok  ") : colors.red("FAIL")} 12 the audit has a line for each of them (weir audit tail)`);
  for (const line of requestLines(tail.stdout)) say(colors.dim(`        ${clip(line, 150)}`));
  if (tail.code !== 0) say(tail.stderr);
  const verified = await world.stage.weir(["audit", "verify", "--config", world.stage.configFile]);
  say(`${verified.code === 0 ? colors.green("ok  ") : colors.red("FAIL")} 13 the chain is whole (weir audit verify)`);
  say(colors.dim(`        ${clip((verified.stdout + verified.stderr).trim().split("\n")[0] ?? "", 150)}`));
  return (hasBoth ? 1 : 0) + (verified.code === 0 ? 1 : 0);
}

/** The lines of requests, names and refused connections; the connections that carried them would only repeat it. */
function requestLines(text: string): string[] {
  return text.trimEnd().split("\n").filter((line) => / (GET|POST|DELETE|DNS TXT|DNS A orug|denied|refused) /.test(line));
}

function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

await play();
