import { describe, expect, test } from "vitest";
import { asUser, confine } from "../../../../controller/pods/confine.ts";
import type { ReadContainer } from "../../../../controller/resources/pod.ts";
import { aContainer } from "../../../support/pods.ts";

type Security = NonNullable<ReadContainer["securityContext"]>;
const confined = (security: Security, hasIdentities = false) => {
  const { container, warnings } = confine(aContainer({ securityContext: security }), hasIdentities);
  return { security: container.securityContext, warnings };
};

describe("a container is confined", () => {
  test("to the runtime's default rights without raw sockets, and otherwise as it was", () => {
    const { container, warnings } = confine(aContainer({ command: ["run"] }), false);
    expect(container).toEqual({ name: "app", image: "app:1", command: ["run"], securityContext: { capabilities: { drop: ["NET_RAW", "NET_ADMIN"] } } });
    expect(warnings).toEqual([]);
  });

  test("and keeps what it drops, and of what it adds the default ones", () => {
    const { security, warnings } = confined({ readOnlyRootFilesystem: true, capabilities: { add: ["CHOWN", "SETUID"], drop: ["MKNOD"] } });
    expect(security).toEqual({ readOnlyRootFilesystem: true, capabilities: { add: ["CHOWN", "SETUID"], drop: ["MKNOD", "NET_RAW", "NET_ADMIN"] } });
    expect(warnings).toEqual([]);
  });

  test.each(["NET_ADMIN", "CAP_NET_RAW", "sys_admin", "BPF", "SYS_PTRACE", "NO_SUCH_RIGHT"])("from %s, with a word to its author", (name) => {
    const { security, warnings } = confined({ capabilities: { add: [name] } });
    expect(security?.capabilities).toEqual({ drop: ["NET_RAW", "NET_ADMIN"] });
    expect(warnings).toEqual([`container app does not get ${name.toUpperCase().replace("CAP_", "")}: a governed pod has no such right`]);
  });

  test("no further if it has dropped everything already", () => {
    expect(confined({ capabilities: { drop: ["all"] } }, true).security).toEqual({ allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } });
  });

  test("beside a container that is known by its user: it may become nobody, neither by a right nor by a program", () => {
    const { security, warnings } = confined({ allowPrivilegeEscalation: true, capabilities: { add: ["SETUID", "CHOWN"] } }, true);
    expect(security).toEqual({ allowPrivilegeEscalation: false, capabilities: { add: ["CHOWN"], drop: ["NET_RAW", "NET_ADMIN", "SETUID", "SETGID", "SETFCAP", "SETPCAP"] } });
    expect(warnings).toEqual([expect.stringContaining("does not get SETUID"), expect.stringContaining("may not gain privileges")]);
  });

  test("twice as once", () => {
    const once = confine(aContainer({ securityContext: { capabilities: { add: ["CAP_CHOWN", "BPF"], drop: ["mknod"] } } }), true).container;
    expect(confine(once, true)).toEqual({ container: once, warnings: [] });
  });
});

test("a container that is known by its user is that user, whatever it says, and has no right at all", () => {
  const container = aContainer({ command: ["serve"], securityContext: { runAsUser: 0, runAsGroup: 0, runAsNonRoot: false, allowPrivilegeEscalation: true, capabilities: { add: ["SYS_ADMIN"] }, readOnlyRootFilesystem: true } });
  expect(asUser(container, 64_101)).toEqual({
    ...container,
    securityContext: { runAsUser: 64_101, runAsGroup: 64_101, runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] }, readOnlyRootFilesystem: true },
  });
});
