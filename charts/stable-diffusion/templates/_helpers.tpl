{{/* Names, labels and images. */}}

{{- define "sd.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* At most 40 characters: what is appended must still fit into 63. */}}
{{- define "sd.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "sd.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "sd.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What tasks call the runtime: the references used the release's name. */}}
{{- define "sd.runtime" -}}
{{- default .Release.Name .Values.global.runtime }}
{{- end }}

{{- define "sd.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sd.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sd.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "sd.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.pod.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The objects that every file begins with: where it lives and what it belongs to. Takes root and suffix. */}}
{{- define "sd.metadata" -}}
name: {{ include "sd.fullname" .root }}{{ .suffix }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "sd.labels" .root | nindent 2 }}
{{- end }}

{{- define "sd.serviceAccountName" -}}
{{- default (include "sd.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{- define "sd.gatewayServiceAccountName" -}}
{{- default (printf "%s-gateway" (include "sd.fullname" .)) .Values.gateway.serviceAccount.name }}
{{- end }}

{{/* An image's name, by digest where there is one. A repository without a slash is one of ours, under images.registry.
     Takes root, image and default. */}}
{{- define "sd.image" -}}
{{- $repository := default .default .image.repository }}
{{- if not (contains "/" $repository) }}
{{- $repository = printf "%s/%s" (trimSuffix "/" .root.Values.images.registry) $repository }}
{{- end }}
{{- if .image.digest }}
{{- printf "%s@%s" $repository .image.digest }}
{{- else }}
{{- printf "%s:%v" $repository (default .root.Chart.AppVersion .image.tag) }}
{{- end }}
{{- end }}

{{- define "sd.pullPolicy" -}}
{{- default .root.Values.images.pullPolicy .image.pullPolicy }}
{{- end }}

{{- define "sd.isJob" -}}
{{- if eq .Values.mode "job" }}true{{ end }}
{{- end }}

{{/* Tasks a pod; one of a job's is one task. */}}
{{- define "sd.queueLength" -}}
{{- if kindIs "invalid" .Values.scaling.queueLength }}
{{- ternary 1 10 (eq .Values.mode "job") }}
{{- else }}
{{- int .Values.scaling.queueLength }}
{{- end }}
{{- end }}

{{/* The pod's grace: the agent's, and time to give back what is left. */}}
{{- define "sd.terminationGrace" -}}
{{- if kindIs "invalid" .Values.pod.terminationGracePeriodSeconds }}
{{- add (int .Values.agent.graceSeconds) 30 }}
{{- else }}
{{- int .Values.pod.terminationGracePeriodSeconds }}
{{- end }}
{{- end }}

{{- define "sd.probePath" -}}
{{- $paths := dict "webui" "/sdapi/v1/options" "comfyui" "/system_stats" "openai" "/v1/models" }}
{{- default (get $paths .Values.engine.kind) .Values.engine.probes.path }}
{{- end }}

{{/* Without native sidecars a job's agent ends the others by signal, which needs their user: then no guard can tell them
     apart. */}}
{{- define "sd.sharesProcesses" -}}
{{- if and (eq .Values.mode "job") (not .Values.nativeSidecars) }}true{{ end }}
{{- end }}

{{- define "sd.hasGuard" -}}
{{- if and .Values.networkPolicy.enabled (eq .Values.networkPolicy.engineEgress "deny") (not (include "sd.sharesProcesses" .)) }}true{{ end }}
{{- end }}

{{- define "sd.hasCollector" -}}
{{- if and (eq .Values.telemetry.kind "otlp") (not .Values.telemetry.endpoint) }}true{{ end }}
{{- end }}

{{/* The claim that models are mounted from, if any. */}}
{{- define "sd.modelClaim" -}}
{{- if and (eq .Values.models.source "claim") (not .Values.models.claim.create) }}
{{- .Values.models.claim.name }}
{{- else if has .Values.models.source (list "s3" "efs" "claim") }}
{{- include "sd.fullname" . }}-models
{{- end }}
{{- end }}
