import type { INJECTORS } from "../../../../proxy/credentials/injectors.ts";
import { CANARY } from "../../../support/credentials.ts";
import { NO_DUMMIES } from "../../../support/injections.ts";
import { mintAuthority } from "../../../support/tls-authority.ts";
import { describeInjector, type InjectorStage } from "./injector-contract.ts";

const DUMMY = "WEIRDUMMY-0123456789";
const BASIC = Buffer.from(`u:${CANARY}`).toString("base64");
const SIGNED = "AWS4-HMAC-SHA256 Credential=AKIAWEIRDUMMY2345678/20261101/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=00";
const { certPem, keyPem } = await (await mintAuthority()).leaf(["client"]);
const value = { values: { value: CANARY }, needs: ["value"] } as const;

/** A login to a database is put into no request. */
const STAGES: Readonly<Record<Exclude<keyof typeof INJECTORS, "postgres">, InjectorStage>> = {
  header: { ...value, inject: {}, sends: new RegExp(`"authorization":"Bearer ${CANARY}"`) },
  basic: { inject: { type: "basic" }, values: { username: "u", password: CANARY }, needs: ["username"], sends: new RegExp(`"authorization":"Basic ${BASIC}"`) },
  query: { ...value, inject: { type: "query", parameter: "key" }, sends: new RegExp(`\\?key=${CANARY}"`) },
  cookie: { ...value, inject: { type: "cookie", name: "session" }, head: { headers: [["cookie", "session=mine"]] }, sends: new RegExp(`"cookie":"session=${CANARY}"`) },
  git: { ...value, inject: { type: "git" }, sends: new RegExp(`"authorization":"Basic ${Buffer.from(`x-access-token:${CANARY}`).toString("base64")}"`) },
  "aws-sigv4": {
    inject: { type: "aws-sigv4", regions: ["eu-west-1"], services: ["s3"] }, values: { accessKeyId: "AKIAREAL", secretAccessKey: "s3cret-access-key", sessionToken: CANARY },
    needs: ["accessKeyId", "secretAccessKey"], head: { headers: [["authorization", SIGNED]] }, sends: new RegExp(`"x-amz-security-token":"${CANARY}".*Credential=AKIAREAL/2026`),
  },
  "client-certificate": { inject: { type: "client-certificate" }, values: { certificate: certPem, privateKey: keyPem }, needs: ["certificate", "privateKey"], sends: null },
  placeholder: {
    ...value, inject: { type: "placeholder", in: ["header", "path"], headers: ["authorization"] }, context: { ...NO_DUMMIES, dummies: [DUMMY] },
    head: { path: `/bot${DUMMY}/send`, headers: [["authorization", `Bearer ${DUMMY}`]] }, sends: new RegExp(`/bot${CANARY}/send.*"Bearer ${CANARY}"`),
  },
};

for (const [name, stage] of Object.entries(STAGES)) describeInjector(name, stage);
