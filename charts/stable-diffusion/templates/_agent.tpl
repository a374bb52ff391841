{{/* Settings of the agent by their environment names; what is empty is left to the agent's own defaults. */}}
{{- define "sd.agentSettings" -}}
{{- $v := .Values }}
{{- $settings := dict
  "AWS_REGION" $v.global.awsRegion
  "SD_RUNTIME" (include "sd.runtime" .)
  "SD_QUEUE" $v.queue.url
  "SD_PRIORITY_QUEUE" $v.queue.priorityUrl
  "SD_DEAD_LETTER" $v.queue.deadLetter
  "SD_STORE" $v.store.uri
  "SD_LEDGER" $v.ledger
  "SD_EVENTS" $v.events.topic
  "SD_BACKEND" (printf "%s+http://localhost:%d" $v.engine.kind (int $v.engine.port))
  "SD_MODEL" $v.engine.model
  "SD_DYNAMIC_MODEL" $v.engine.dynamicModel
  "SD_GRACE" (printf "%ds" (int $v.agent.graceSeconds))
  "SD_HEALTH_PORT" (int $v.agent.healthPort)
  "SD_LOG_LEVEL" $v.agent.logLevel
  "SD_LOG_FORMAT" "json"
  "SD_INFERENCE_TIMEOUT" $v.agent.inferenceTimeout
  "SD_STALL_TIMEOUT" $v.agent.stallTimeout
  "SD_ANNOUNCE_START" $v.agent.announceStart
  "SD_MEMORY_BUDGET" $v.agent.memoryBudget
  "SD_MARK_POD" $v.agent.markPod
}}
{{- if not (kindIs "invalid" $v.agent.visibilitySeconds) }}{{ $_ := set $settings "SD_VISIBILITY" (printf "%ds" (int $v.agent.visibilitySeconds)) }}{{ end }}
{{- if not (kindIs "invalid" $v.agent.maxAttempts) }}{{ $_ := set $settings "SD_MAX_ATTEMPTS" (int $v.agent.maxAttempts) }}{{ end }}
{{- if include "sd.isJob" . }}
{{- $_ := set $settings "SD_MAX_TASKS" (int $v.agent.maxTasks) }}
{{- if include "sd.sharesProcesses" . }}
{{- $beside := compact (list "python3" (ternary "xray" "" (eq $v.telemetry.kind "xray")) (ternary "awscollector" "" (eq "true" (include "sd.hasCollector" .)))) }}
{{- $_ := set $settings "SD_STOP_ENGINE" true }}
{{- $_ := set $settings "SD_STOP_PROCESSES" (join "," (default $beside $v.agent.stopProcesses)) }}
{{- end }}
{{- else if not (kindIs "invalid" $v.agent.lookAhead) }}
{{- $_ := set $settings "SD_LOOK_AHEAD" $v.agent.lookAhead }}
{{- end }}
{{- if eq $v.telemetry.kind "xray" }}
{{- $_ := set $settings "SD_TRACES" "xray://localhost:2000" }}
{{- else if eq $v.telemetry.kind "otlp" }}
{{- $_ := set $settings "SD_TRACES" (printf "otlp+%s" (default "http://localhost:4318" $v.telemetry.endpoint)) }}
{{- else }}
{{- $_ := set $settings "SD_TRACES" "none:" }}
{{- end }}
{{- range $name, $value := $settings }}
{{- if eq ($value | toString) "" }}{{ $_ := unset $settings $name }}{{ end }}
{{- end }}
{{- toYaml (mergeOverwrite $settings (deepCopy $v.agent.env)) }}
{{- end }}

{{- define "sd.agentContainer" }}
- name: agent
  image: {{ include "sd.image" (dict "root" . "image" .Values.agent.image "default" (ternary "sd-job" "sd-agent" (eq .Values.mode "job"))) }}
  imagePullPolicy: {{ include "sd.pullPolicy" (dict "root" . "image" .Values.agent.image) }}
  env:
    {{- include "sd.environment" (fromYaml (include "sd.agentSettings" .)) | trim | nindent 4 }}
    - name: POD_NAME
      valueFrom:
        fieldRef:
          fieldPath: metadata.name
    - name: POD_NAMESPACE
      valueFrom:
        fieldRef:
          fieldPath: metadata.namespace
    {{- with .Values.agent.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - name: health
      containerPort: {{ int .Values.agent.healthPort }}
  resources:
    {{- toYaml .Values.agent.resources | nindent 4 }}
  livenessProbe:
    httpGet:
      path: /healthz
      port: health
    initialDelaySeconds: 5
    periodSeconds: 10
    failureThreshold: 6
    timeoutSeconds: 5
  {{- if not (include "sd.isJob" .) }}
  readinessProbe:
    httpGet:
      path: /readyz
      port: health
    periodSeconds: 5
    timeoutSeconds: 5
  {{- end }}
  securityContext:
    {{- toYaml .Values.agent.securityContext | nindent 4 }}
  volumeMounts:
    - name: agent-tmp
      mountPath: /tmp
    {{- if .Values.agent.markPod }}
    - name: kubernetes
      mountPath: /var/run/secrets/kubernetes.io/serviceaccount
      readOnly: true
    {{- end }}
{{- end }}
