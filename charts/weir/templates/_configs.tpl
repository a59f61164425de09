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

{{/* One login to Vault, as the proxy's configuration has it. */}}
{{- define "weir.vaultLogin" -}}
method: {{ .method }}
{{- if and .mount (ne .method "token") }}
mount: {{ .mount }}
{{- end }}
{{- if eq .method "token" }}
tokenFile: /etc/weir-vault/token/token
{{- else if eq .method "approle" }}
roleId: {{ required "vault.auth.roleId: with method approle, give the id of the role" .roleId }}
secretIdFile: /etc/weir-vault/token/token
{{- else }}
role: {{ required "vault.auth.role: name the role of the auth method" .role }}
{{- if eq .method "kubernetes" }}
jwtFile: /var/run/secrets/weir.dev/vault/token
{{- end }}
{{- end }}
{{- end }}

{{/* Methods of all logins, between spaces. */}}
{{- define "weir.vaultMethods" -}}
{{- if .Values.vault.address }} {{ .Values.vault.auth.method }}{{ if eq .Values.vault.auth.method "jwt" }} {{ .Values.vault.auth.own.method }}{{ end }} {{ end -}}
{{- end }}

{{/* proxy.yaml: what the chart knows, below what proxy.config says. */}}
{{- define "weir.proxyConfig" -}}
{{- $host := ternary "[::]" "0.0.0.0" (eq .Values.listenOn "::") -}}
{{- $own := dict
  "listen" (dict "address" (printf "%s:15008" $host))
  "stateDirectory" "/var/lib/weir"
  "tls" (dict "caCertFile" "/etc/weir-ca/tls.crt" "caKeyFile" "/etc/weir-ca/tls.key")
  "admin" (dict "address" (printf "%s:15090" $host) "fromNetwork" true)
  "cluster" (dict
    "namespace" .Release.Namespace
    "controller" (dict "tokenFile" "/var/run/secrets/weir.dev/controller/token" "caFile" "/etc/weir-ca/tls.crt")
  )
-}}
{{- $perAgent := dict "window" .Values.budgets.perAgent.window -}}
{{- if kindIs "float64" .Values.budgets.perAgent.requests }}{{ $_ := set $perAgent "requests" .Values.budgets.perAgent.requests }}{{ end -}}
{{- if kindIs "float64" .Values.budgets.perAgent.bytes }}{{ $_ := set $perAgent "bytes" .Values.budgets.perAgent.bytes }}{{ end -}}
{{- if kindIs "float64" .Values.budgets.perAgent.tokens }}{{ $_ := set $perAgent "tokens" .Values.budgets.perAgent.tokens }}{{ end -}}
{{- if not (kindIs "invalid" .Values.budgets.perAgent.usd) }}{{ $_ := set $perAgent "usd" .Values.budgets.perAgent.usd }}{{ end -}}
{{- $_ := set $own "budgets" (dict "perAgent" $perAgent) -}}
{{- with .Values.vault -}}
{{- if .address -}}
{{- $auth := include "weir.vaultLogin" .auth | fromYaml -}}
{{- if and (eq .auth.method "jwt") .auth.own.method }}{{ $_ := set $auth "own" (include "weir.vaultLogin" .auth.own | fromYaml) }}{{ end -}}
{{- $vault := dict "address" .address "auth" $auth -}}
{{- if .namespace }}{{ $_ := set $vault "namespace" .namespace }}{{ end -}}
{{- if .caConfigMap.name }}{{ $_ := set $vault "caFile" "/etc/weir-vault/ca/ca.crt" }}{{ end -}}
{{- $_ := set $own "credentials" (dict "vault" $vault) -}}
{{- end -}}
{{- end -}}
{{- mergeOverwrite $own (deepCopy .Values.proxy.config) | toYaml -}}
{{- end }}

{{/* controller.yaml, in the same way. */}}
{{- define "weir.controllerConfig" -}}
{{- $threads := dict "directory" "/var/lib/weir/threads" -}}
{{- if eq .Values.controller.store.kind "postgres" }}{{ $threads = dict "urlFile" "/etc/weir-store/url" }}{{ end -}}
{{- $host := ternary "[::]" "0.0.0.0" (eq .Values.listenOn "::") -}}
{{- $own := dict
  "namespace" .Release.Namespace
  "threads" $threads
  "access" (dict "nodeProxies" (list (printf "system:serviceaccount:%s:weir-proxy" .Release.Namespace)))
  "pods" (dict
    "initImage" (include "weir.image" (list . "init"))
    "sidecarImage" (include "weir.image" (list . "sidecar"))
    "pullPolicy" .Values.images.pullPolicy
    "redirect" .Values.redirect.mode
  )
  "api" (dict "host" .Values.listenOn)
  "webhook" (dict "listenHost" .Values.listenOn)
  "boundary" (dict "base" .Values.policy.base "budgets" .Values.budgets.named "vault" (dict "mount" .Values.vault.mount "pathTemplate" .Values.vault.pathTemplate) "kubernetesSecrets" .Values.proxy.secrets)
  "admin" (dict "address" (printf "%s:15090" $host) "fromNetwork" true)
-}}
{{- mergeOverwrite $own (deepCopy .Values.controller.config) | toYaml -}}
{{- end }}
