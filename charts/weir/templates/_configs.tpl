{{/* How many controllers; refuses what cannot work. */}}
{{- define "weir.controllerReplicas" -}}
{{- $store := .Values.controller.store -}}
{{- $isEmbedded := eq $store.kind "embedded" -}}
{{- $replicas := default (ternary 1 2 $isEmbedded) .Values.controller.replicas | int -}}
{{- if and $isEmbedded (gt $replicas 1) -}}
{{- fail "controller.replicas: the embedded store belongs to one controller; set controller.store.kind to `postgres` for more" -}}
{{- end -}}
{{- if and (not $isEmbedded) (not $store.urlSecret.name) -}}
{{- fail "controller.store.urlSecret.name: with store `postgres`, name the Secret that holds its URL" -}}
{{- end -}}
{{- $replicas -}}
{{- end }}

{{/* proxy.yaml: what the chart knows, below what proxy.config says. */}}
{{- define "weir.proxyConfig" -}}
{{- $own := dict
  "listen" (dict "address" (printf "%s:15008" .Values.proxy.listenOn))
  "stateDirectory" "/var/lib/weir"
  "tls" (dict "caCertFile" "/etc/weir-ca/tls.crt" "caKeyFile" "/etc/weir-ca/tls.key")
  "admin" (dict "address" (printf "%s:15090" .Values.proxy.listenOn) "fromNetwork" true)
-}}
{{- $perAgent := dict "window" .Values.budgets.perAgent.window -}}
{{- if kindIs "float64" .Values.budgets.perAgent.requests }}{{ $_ := set $perAgent "requests" .Values.budgets.perAgent.requests }}{{ end -}}
{{- if kindIs "float64" .Values.budgets.perAgent.bytes }}{{ $_ := set $perAgent "bytes" .Values.budgets.perAgent.bytes }}{{ end -}}
{{- $_ := set $own "budgets" (dict "perAgent" $perAgent) -}}
{{- with .Values.vault -}}
{{- if .address -}}
{{- $vault := dict "address" .address "tokenFile" "/etc/weir-vault/token/token" -}}
{{- if .namespace }}{{ $_ := set $vault "namespace" .namespace }}{{ end -}}
{{- if .caConfigMap.name }}{{ $_ := set $vault "caFile" "/etc/weir-vault/ca/ca.crt" }}{{ end -}}
{{- $_ := set $own "credentials" (dict "vault" $vault) -}}
{{- end -}}
{{- end -}}
{{- mergeOverwrite $own (deepCopy .Values.proxy.config) | toYaml -}}
{{- end }}

{{/* controller.yaml, in the same way. */}}
{{- define "weir.controllerConfig" -}}
{{- $own := dict -}}
{{- mergeOverwrite $own (deepCopy .Values.controller.config) | toYaml -}}
{{- end }}
