// Run by `helm test` inside the cluster: is the boundary there, and is the controller who it should be? Plain Node, nothing else is in the image.
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { get } from "node:https";

const DEADLINE_MS = 10_000;
// Service links instead of names: they work without a cluster DNS.
const { WEIR_PROXY_SERVICE_HOST: proxy, WEIR_CONTROLLER_SERVICE_HOST: controller, WEIR_CONTROLLER_NAME: name } = process.env;

const checks = {
  "the node proxy of this node takes connections": () => new Promise((resolve, reject) => {
    const socket = connect({ host: proxy, port: 15_008, timeout: DEADLINE_MS }, () => { socket.destroy(); resolve(); });
    socket.once("error", reject).once("timeout", () => { socket.destroy(new Error("no answer")); });
  }),
  "the controller's API has a certificate of the boundary's CA": () => new Promise((resolve, reject) => {
    const request = get({ host: controller, port: 443, servername: name, headers: { host: name }, path: "/", ca: readFileSync("/ca/ca.crt"), timeout: DEADLINE_MS }, (answer) => {
      answer.resume();
      if (answer.statusCode < 500) resolve();
      else reject(new Error(`status ${answer.statusCode}`));
    });
    request.once("error", reject).once("timeout", () => { request.destroy(new Error("no answer")); });
  }),
};

for (const [what, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok      ${what}`);
  } catch (error) {
    console.log(`FAILED  ${what}: ${error.message}`);
    process.exitCode = 1;
  }
}
