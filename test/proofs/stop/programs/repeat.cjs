// Calls until a call fails, says how, waits for a line on standard input, and calls once more.
const { createInterface } = require("node:readline");

const MOST_CALLS = 40;

exports.repeat = async (call) => {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  for (let number = 1; number <= MOST_CALLS; number += 1) {
    try {
      const text = await call();
      process.stdout.write(`answered ${text.length}\n`);
    } catch (error) {
      process.stdout.write(`refused ${error.message.replaceAll("\n", " ")}\n`);
      break;
    }
  }
  await lines.next();
  try {
    await call();
    process.stdout.write("again answered\n");
  } catch (error) {
    process.stdout.write(`again refused ${error.message.replaceAll("\n", " ")}\n`);
  }
  process.exit(0);
};
