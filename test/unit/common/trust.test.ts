import { describe, expect, test } from "vitest";
import { trustEnvironment } from "../../../common/trust.ts";

const environment = trustEnvironment("/run/weir/trust");
const naming = (file: string) => Object.entries(environment).filter(([, value]) => value.includes(file)).map(([name]) => name);

describe("the trust variables", () => {
  test("name our CA alone only where it is added to what the runtime trusts", () => {
    expect(naming("/run/weir/trust/ca.crt")).toEqual(["NODE_EXTRA_CA_CERTS", "DENO_CERT"]);
  });

  test.each(["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT", "AWS_CA_BUNDLE", "CARGO_HTTP_CAINFO", "npm_config_cafile", "CODEX_CA_CERTIFICATE"])("name the whole bundle in %s, which replaces", (name) => {
    expect(environment[name]).toBe("/run/weir/trust/ca-bundle.crt");
  });

  test("name the store and its kind for the JVM", () => {
    expect(environment["JAVA_TOOL_OPTIONS"]).toBe("-Djavax.net.ssl.trustStore=/run/weir/trust/truststore.p12 -Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=changeit");
  });

  test("turn verification off nowhere", () => {
    const off = Object.entries(environment).filter(([name, value]) => /INSECURE|NO_VERIFY|SKIP|REJECT_UNAUTHORIZED/i.test(name) || /^(0|false|no)$/i.test(value));
    expect(off).toEqual([]);
  });
});
