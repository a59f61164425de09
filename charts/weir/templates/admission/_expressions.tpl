{{/*
CEL that several policies share. What the boundary puts into a pod is described once, in controller/pods/; these say what must hold of the result, by
whichever way a pod came.
*/}}

{{- define "weir.admission.controllerUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:weir-controller
{{- end }}

{{/* True for a pod that claims to be an agent's. Call with the name of the object: "object" or "oldObject". */}}
{{- define "weir.admission.isGoverned" -}}
({{ . }}.metadata.?labels['weir.dev/agent'].hasValue() || {{ . }}.metadata.?labels['weir.dev/inject'].orValue('') == 'enabled')
{{- end }}

{{/* What a container may add at most: the runtimes' own default without NET_RAW (controller/pods/confine.ts). Call with the name of the container. */}}
{{- define "weir.admission.addsNothing" -}}
{{ . }}.?securityContext.?capabilities.?add.orValue([]).all(right, right in ['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'])
{{- end }}

{{- define "weir.admission.isConfined" -}}
!{{ . }}.?securityContext.?privileged.orValue(false) && {{ . }}.?securityContext.?procMount.orValue('Default') == 'Default' && {{ include "weir.admission.hasProfiles" . }} && {{ include "weir.admission.addsNothing" . }}
{{- end }}

{{/* Of a container or a pod. */}}
{{- define "weir.admission.hasProfiles" -}}
{{ . }}.?securityContext.?seccompProfile.?type.orValue('') != 'Unconfined' && {{ . }}.?securityContext.?appArmorProfile.?type.orValue('') != 'Unconfined'
{{- end }}

{{/* Probes and hooks that the kubelet would send from the node's network to any host that they name. Call with the name of the container. */}}
{{- define "weir.admission.sendsNoNode" -}}
{{- $checks := list }}
{{- range $action := list "livenessProbe" "readinessProbe" "startupProbe" "lifecycle.?postStart" "lifecycle.?preStop" }}
{{- range $kind := list "httpGet" "tcpSocket" }}
{{- $checks = append $checks (printf "%s.?%s.?%s.?host.orValue('') == ''" $ $action $kind) }}
{{- end }}
{{- end }}
{{- join " && " $checks }}
{{- end }}

{{/* Users of the sidecar and of containers with an identity of their own (common/labels.ts). Call with an expression for a uid. */}}
{{- define "weir.admission.isReserved" -}}
({{ . }} == 64000 || ({{ . }} >= 64100 && {{ . }} < 64116))
{{- end }}

{{- define "weir.admission.sharesNothing" -}}
!object.spec.?hostNetwork.orValue(false) && !object.spec.?hostPID.orValue(false) && !object.spec.?hostIPC.orValue(false) && object.spec.containers.all(one, one.?ports.orValue([]).all(port, port.?hostPort.orValue(0) == 0)) && object.spec.?initContainers.orValue([]).all(one, one.?ports.orValue([]).all(port, port.?hostPort.orValue(0) == 0))
{{- end }}

{{- define "weir.admission.mountsNoNode" -}}
object.spec.?volumes.orValue([]).all(volume, !has(volume.hostPath))
{{- end }}

{{/* Nothing that the node holds, or fetches from a server that the pod names (controller/pods/check-volume.ts). */}}
{{- define "weir.admission.mountsItsOwn" -}}
object.spec.?volumes.orValue([]).all(volume, has(volume.configMap) || has(volume.csi) || has(volume.downwardAPI) || has(volume.emptyDir) || has(volume.ephemeral) || has(volume.image) || has(volume.persistentVolumeClaim) || has(volume.projected) || has(volume.secret))
{{- end }}

{{/* Settings of the kernel that say nothing about where packets go (controller/pods/check-pod.ts). */}}
{{- define "weir.admission.tunesNothing" -}}
object.spec.?securityContext.?sysctls.orValue([]).all(one, one.name.replace('/', '.') in ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.ip_local_reserved_ports', 'net.ipv4.ip_unprivileged_port_start', 'net.ipv4.ping_group_range', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes', 'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_syncookies', 'net.ipv4.tcp_wmem'])
{{- end }}

{{/* Namespaces that the webhook is not asked about, as a list in CEL. */}}
{{- define "weir.admission.unhooked" -}}
[{{ range $index, $name := concat (list "kube-system" .Release.Namespace) .Values.webhook.excludedNamespaces }}{{ if $index }}, {{ end }}'{{ $name }}'{{ end }}]
{{- end }}
