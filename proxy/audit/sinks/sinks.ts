import type { AuditConfig } from "../config.ts";
import type { AuditSink } from "./audit-sink.ts";
import { HttpsSink, type HttpsSinkConfig } from "./https.ts";
import { SyslogSink, type SyslogSinkConfig } from "./syslog.ts";

type SinkConfig = AuditConfig["sinks"][number];

/** Every kind of sink; the keys are the legal values of `audit.sinks[].type`. */
export const SINKS = {
  https: (config: HttpsSinkConfig) => new HttpsSink(config),
  syslog: (config: SyslogSinkConfig) => new SyslogSink(config),
} satisfies Record<SinkConfig["type"], unknown>;

export function openSink(config: SinkConfig): AuditSink {
  switch (config.type) {
    case "https": return SINKS.https(config);
    case "syslog": return SINKS.syslog(config);
  }
}
