{{/* The queue as KEDA asks it. What counts besides waiting messages belongs into the trigger's metadata: in the object's
     spec it is ignored. */}}
{{- define "sd.trigger" -}}
- type: aws-sqs-queue
  metadata:
    queueURL: {{ .Values.queue.url | quote }}
    queueLength: {{ include "sd.queueLength" . | quote }}
    activationQueueLength: {{ int .Values.scaling.activationQueueLength | quote }}
    awsRegion: {{ .Values.global.awsRegion | quote }}
    scaleOnInFlight: {{ .Values.scaling.scaleOnInFlight | quote }}
    scaleOnDelayed: {{ .Values.scaling.scaleOnDelayed | quote }}
  authenticationRef:
    name: {{ default (include "sd.fullname" .) .Values.scaling.authentication.name }}
{{- end }}
