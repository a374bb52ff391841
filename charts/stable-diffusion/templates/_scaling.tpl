{{/* The queues as KEDA asks them: the runtime's, and that of its urgent tasks where there is one. What counts besides waiting
     messages belongs into a trigger's metadata: in the object's spec it is ignored. */}}
{{- define "sd.triggers" -}}
{{- include "sd.trigger" (dict "root" . "name" "ordinary" "url" .Values.queue.url) }}
{{- if .Values.queue.priorityUrl }}
{{ include "sd.trigger" (dict "root" . "name" "urgent" "url" .Values.queue.priorityUrl) }}
{{- end }}
{{- end }}

{{- define "sd.trigger" -}}
{{- $v := .root.Values -}}
- type: aws-sqs-queue
  name: {{ .name }}
  metadata:
    queueURL: {{ .url | quote }}
    queueLength: {{ include "sd.queueLength" .root | quote }}
    activationQueueLength: {{ int $v.scaling.activationQueueLength | quote }}
    awsRegion: {{ $v.global.awsRegion | quote }}
    scaleOnInFlight: {{ $v.scaling.scaleOnInFlight | quote }}
    scaleOnDelayed: {{ $v.scaling.scaleOnDelayed | quote }}
  authenticationRef:
    name: {{ default (include "sd.fullname" .root) $v.scaling.authentication.name }}
{{- end }}
