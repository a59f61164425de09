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
!{{ . }}.?securityContext.?privileged.orValue(false) && {{ . }}.?securityContext.?procMount.orValue('Default') == 'Default' && {{ . }}.?securityContext.?seccompProfile.?type.orValue('') != 'Unconfined' && {{ include "weir.admission.addsNothing" . }}
{{- end }}

{{/* Users of the sidecar and of containers with an identity of their own (common/labels.ts). Call with an expression for a uid. */}}
{{- define "weir.admission.isReserved" -}}
({{ . }} == 64000 || ({{ . }} >= 64100 && {{ . }} < 64116))
{{- end }}

{{- define "weir.admission.sharesNothing" -}}
!object.spec.?hostNetwork.orValue(false) && !object.spec.?hostPID.orValue(false) && !object.spec.?hostIPC.orValue(false)
{{- end }}

{{- define "weir.admission.mountsNoNode" -}}
object.spec.?volumes.orValue([]).all(volume, !has(volume.hostPath))
{{- end }}
