{{/* The engine, and how it is known to be up. */}}

{{- define "sd.engineProbe" -}}
{{- if eq .Values.engine.listen "pod" }}
httpGet:
  path: {{ include "sd.probePath" . }}
  port: engine
{{- else }}
exec:
  command:
    - curl
    - --silent
    - --fail
    - --output
    - /dev/null
    - --max-time
    - "8"
    - http://127.0.0.1:{{ int .Values.engine.port }}{{ include "sd.probePath" . }}
{{- end }}
timeoutSeconds: 10
{{- end }}

{{- define "sd.engineContainer" }}
- name: engine
  image: {{ include "sd.image" (dict "root" . "image" .Values.engine.image "default" "engine-forge") }}
  imagePullPolicy: {{ include "sd.pullPolicy" (dict "root" . "image" .Values.engine.image) }}
  {{- with include "sd.sidecar" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with .Values.engine.command }}
  command:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.engine.args }}
  args:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  env:
    - name: ENGINE_ADDRESS
      value: {{ ternary "0.0.0.0" "127.0.0.1" (eq .Values.engine.listen "pod") | quote }}
    - name: ENGINE_PORT
      value: {{ int .Values.engine.port | quote }}
    - name: MODELS_DIR
      value: {{ .Values.engine.modelMountPath | quote }}
    {{- if .Values.engine.dynamicModel }}
    - name: DYNAMIC_SD_MODEL
      value: "true"
    {{- end }}
    {{- with .Values.engine.model }}
    - name: SD_MODEL_CHECKPOINT
      value: {{ . | quote }}
    {{- end }}
    - name: API_ONLY
      value: "true"
    {{- with .Values.engine.extraArgs }}
    - name: EXTRA_CMD_ARG
      value: {{ join " " . | quote }}
    {{- end }}
    {{- with include "sd.environment" .Values.engine.env | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with .Values.engine.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - name: engine
      containerPort: {{ int .Values.engine.port }}
  resources:
    {{- $gpus := dict }}
    {{- if int .Values.gpu.count }}{{ $gpus = dict .Values.gpu.resource (int .Values.gpu.count) }}{{ end }}
    requests:
      {{- toYaml (merge (dict) $gpus (default (dict) .Values.engine.resources.requests)) | nindent 6 }}
    {{- with merge (dict) $gpus (default (dict) .Values.engine.resources.limits) }}
    limits:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  startupProbe:
    {{- include "sd.engineProbe" . | trim | nindent 4 }}
    periodSeconds: 5
    failureThreshold: {{ max 1 (div (int .Values.engine.probes.startupSeconds) 5) }}
  livenessProbe:
    {{- include "sd.engineProbe" . | trim | nindent 4 }}
    periodSeconds: 20
    failureThreshold: {{ max 1 (div (int .Values.engine.probes.livenessSeconds) 20) }}
  securityContext:
    {{- include "sd.securityContext" (dict "root" . "context" .Values.engine.securityContext) | nindent 4 }}
  volumeMounts:
    {{- range $index, $path := .Values.engine.writablePaths }}
    - name: writable-{{ $index }}
      mountPath: {{ $path }}
    {{- end }}
    - name: shared-memory
      mountPath: /dev/shm
    {{- if or (include "sd.modelClaim" .) (eq .Values.models.source "pull") }}
    - name: models
      mountPath: {{ .Values.engine.modelMountPath }}
      readOnly: {{ or (ne .Values.models.source "claim") .Values.models.claim.readOnly }}
    {{- end }}
    {{- with .Values.pod.extraEngineVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
