# The four images of Weir: `docker build --target proxy -t REGISTRY/weir-proxy:VERSION .`, and so for init, sidecar and controller.
# Without a registry: `node scripts/build-images.ts`, which fills the folder of stage `build` on this machine and uses the stages below it.
# Nothing is in them but Node, its libraries, one bundled program and what that program runs: no shell, no package manager.

FROM docker.io/library/golang:1.26-bookworm AS compiler
COPY tools/go.mod tools/go.sum /tools/
RUN cd /tools && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /opa github.com/open-policy-agent/opa

FROM docker.io/library/node:26-bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends nftables iproute2 util-linux ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /weir
COPY package.json package-lock.json ./
# Node itself comes from here, too: the pinned package, not the image's.
RUN npm ci --no-audit --no-fund
COPY --from=compiler /opa /usr/local/bin/opa
COPY . .
RUN npm run build && node_modules/.bin/node scripts/build-images.ts --contents-only /out

FROM scratch AS runtime
COPY --from=build /out/runtime/ /
ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin

# As root, because writing rules needs NET_ADMIN in the pod's network namespace; the one such container, and over before anything else runs.
# The agent of a node that writes them from outside (/app/redirect.mjs) is in it as well, with what it enters namespaces by.
FROM runtime AS init
COPY --from=build /out/init/ /
USER 0:0
ENTRYPOINT ["/usr/local/bin/node", "/app/init.mjs"]

# The flags are those of common/sidecar-flags.ts (test/structure/images.test.ts).
FROM runtime AS sidecar
COPY --from=build /out/sidecar/ /
USER 64000:64000
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=1", "--max-old-space-size=64", "--v8-pool-size=0", "--no-node-snapshot", "--expose-gc", "--stress-flush-code", "--flush-bytecode", "--compact-on-every-full-gc", "--disable-warning=ExperimentalWarning", "/app/sidecar.cjs"]

FROM runtime AS proxy
COPY --from=build /out/proxy/ /
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/node", "/app/proxy.mjs"]
CMD ["/etc/weir/proxy.yaml"]

FROM runtime AS controller
COPY --from=build /out/controller/ /
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/node", "/app/controller.mjs"]
CMD ["/etc/weir/controller.yaml"]
