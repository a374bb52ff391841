{{/* What a node is told at its first start: how it shares its GPU, how it pulls images, and what the values add. */}}
{{- define "sd.userData" -}}
{{- $class := .Values.karpenter.nodeClass }}
{{- $sharing := .Values.gpu.sharing }}
{{- if and (ne $sharing.strategy "none") (eq $class.amiFamily "Bottlerocket") }}
[settings.kubelet-device-plugins.nvidia]
device-sharing-strategy = {{ $sharing.strategy | quote }}

[settings.kubelet-device-plugins.nvidia.{{ $sharing.strategy }}]
replicas = {{ int $sharing.replicas }}
rename-by-default = false
{{- if eq $sharing.strategy "time-slicing" }}
fail-requests-greater-than-one = true
{{- end }}
{{- end }}
{{- if $class.soci }}

[settings.container-runtime]
snapshotter = "soci"

[settings.container-runtime-plugins.soci-snapshotter]
pull-mode = "parallel-pull-unpack"

[settings.container-runtime-plugins.soci-snapshotter.parallel-pull-unpack]
max-concurrent-downloads-per-image = 10
concurrent-download-chunk-size = "16mb"
max-concurrent-unpacks-per-image = 10
discard-unpacked-layers = true
{{- end }}
{{- with $class.userData }}

{{ tpl . $ }}
{{- end }}
{{- end }}
