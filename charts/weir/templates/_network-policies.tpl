{{/*
All that a governed pod may send: TCP to the boundary's port of the node proxies. No DNS: names are asked through the same port. Two
policies, because a selector cannot say "or". Call with (list $ "namespace").
*/}}
{{- define "weir.agentNetworkPolicies" -}}
{{- $root := index . 0 }}
{{- $namespace := index . 1 }}
{{- $selectors := dict "weir-injected" (dict "matchLabels" (dict "weir.dev/inject" "enabled")) "weir-agents" (dict "matchExpressions" (list (dict "key" "weir.dev/agent" "operator" "Exists"))) }}
{{- range $name, $selector := $selectors }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  labels:
    {{- include "weir.labels" $root | nindent 4 }}
spec:
  podSelector:
    {{- toYaml $selector | nindent 4 }}
  policyTypes: [Egress]
  egress:
    - ports:
        - {port: 15008, protocol: TCP}
      to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: {{ $root.Release.Namespace }}
          podSelector:
            matchLabels:
              {{- include "weir.selector" (list $root "proxy") | nindent 14 }}
{{- end }}
{{- end }}

{{/* Metrics and health: for whatever is not governed. */}}
{{- define "weir.scrapeIngress" -}}
- ports:
    - {port: 15090, protocol: TCP}
  from:
    - namespaceSelector: {}
      podSelector:
        matchExpressions:
          - {key: weir.dev/inject, operator: NotIn, values: [enabled]}
          - {key: weir.dev/agent, operator: DoesNotExist}
{{- end }}
