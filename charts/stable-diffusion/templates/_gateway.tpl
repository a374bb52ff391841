{{/* The runtimes that tasks may name: those of the values, else this release's own. */}}
{{- define "sd.runtimes" -}}
{{- $runtimes := .Values.gateway.runtimes }}
{{- if not $runtimes }}
{{- $own := dict "name" (include "sd.runtime" .) "engine" .Values.engine.kind "queue" .Values.queue.url }}
{{- with .Values.queue.priorityUrl }}{{ $_ := set $own "priority-queue" . }}{{ end }}
{{- with .Values.engine.model }}{{ $_ := set $own "model" . }}{{ end }}
{{- if .Values.engine.dynamicModel }}{{ $_ := set $own "dynamic-model" true }}{{ end }}
{{- if include "sd.isJob" . }}{{ $_ := set $own "job" true }}{{ end }}
{{- $runtimes = list $own }}
{{- end }}
{{- toYaml (dict "runtimes" $runtimes) }}
{{- end }}

{{- define "sd.gatewaySettings" -}}
{{- $v := .Values }}
{{- $settings := dict
  "AWS_REGION" $v.global.awsRegion
  "SD_HOST" "0.0.0.0"
  "SD_PORT" 8080
  "SD_TOPIC" $v.gateway.topic
  "SD_STORE" $v.store.uri
  "SD_LEDGER" $v.ledger
  "SD_EVENTS" $v.events.topic
  "SD_RUNTIMES" "/etc/sd/runtimes.yaml"
  "SD_PUBLIC_URL" $v.gateway.publicUrl
  "SD_LOG_LEVEL" $v.agent.logLevel
  "SD_LOG_FORMAT" "json"
}}
{{- if and (eq $v.telemetry.kind "otlp") $v.telemetry.endpoint }}
{{- $_ := set $settings "SD_TRACES" (printf "otlp+%s" $v.telemetry.endpoint) }}
{{- end }}
{{- if $v.gateway.dashboard }}{{ $_ := set $settings "SD_DASHBOARD" "true" }}{{ end }}
{{- if $v.gateway.apiKeysSecret }}{{ $_ := set $settings "SD_API_KEYS" "/etc/sd-keys/keys.yaml" }}{{ end }}
{{- if $v.gateway.webhooks.queue }}
{{- $_ := set $settings "SD_WEBHOOKS" $v.gateway.webhooks.queue }}
{{- $_ := set $settings "SD_WEBHOOK_SECRET" "@/etc/sd-webhooks/secret" }}
{{- else }}
{{- $_ := set $settings "SD_WEBHOOKS" "none:" }}
{{- end }}
{{- $_ := set $settings "SD_PROXIES" (kindIs "invalid" $v.gateway.proxies | ternary (ternary 1 0 $v.gateway.ingress.enabled) $v.gateway.proxies) }}
{{- range $name, $value := $settings }}
{{- if eq ($value | toString) "" }}{{ $_ := unset $settings $name }}{{ end }}
{{- end }}
{{- toYaml (mergeOverwrite $settings (deepCopy $v.gateway.env)) }}
{{- end }}
