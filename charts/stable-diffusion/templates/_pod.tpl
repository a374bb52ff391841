{{/* The pod: guard and models first, then telemetry and engine as sidecars, and the agent, whose end is the pod's. */}}

{{- define "sd.podTemplate" -}}
metadata:
  labels:
    {{- include "sd.selectorLabels" . | nindent 4 }}
    app.kubernetes.io/component: runtime
    {{- with .Values.pod.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # Whoever hands credentials to containers leaves out the engine, which needs none.
    eks.amazonaws.com/skip-containers: engine
    {{- if or (eq .Values.pod.doNotDisrupt "always") (and (eq .Values.pod.doNotDisrupt "auto") (include "sd.isJob" .)) }}
    karpenter.sh/do-not-disrupt: "true"
    {{- end }}
    {{- if include "sd.hasCollector" . }}
    checksum/collector: {{ include "sd.collectorConfig" . | sha256sum }}
    {{- end }}
    {{- with .Values.pod.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- if include "sd.isJob" . }}
  restartPolicy: Never
  {{- end }}
  serviceAccountName: {{ include "sd.serviceAccountName" . }}
  # The token would reach every container; the agent gets one of its own.
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- if include "sd.sharesProcesses" . }}
  shareProcessNamespace: true
  {{- end }}
  terminationGracePeriodSeconds: {{ include "sd.terminationGrace" . }}
  {{- with .Values.images.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.priorityClass.create }}
  priorityClassName: {{ .Release.Namespace }}-{{ include "sd.fullname" . }}
  {{- else if .Values.pod.priorityClassName }}
  priorityClassName: {{ .Values.pod.priorityClassName }}
  {{- end }}
  {{- with .Values.pod.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if or .Values.karpenter.enabled .Values.pod.nodeSelector }}
  nodeSelector:
    {{- if .Values.karpenter.enabled }}
    karpenter.sh/nodepool: {{ include "sd.fullname" . }}
    {{- end }}
    {{- with .Values.pod.nodeSelector }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  tolerations:
    - key: {{ .Values.gpu.resource }}
      operator: Exists
      effect: NoSchedule
    - key: runtime
      operator: Equal
      value: {{ include "sd.fullname" . }}
      effect: NoSchedule
    {{- with .Values.pod.tolerations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.pod.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.pod.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- $init := list }}
  {{- if include "sd.hasGuard" . }}{{ $init = append $init (include "sd.guardContainer" .) }}{{ end }}
  {{- if eq .Values.models.source "pull" }}{{ $init = append $init (include "sd.pullContainer" .) }}{{ end }}
  {{- range .Values.pod.extraInitContainers }}{{ $init = append $init (toYaml (list .)) }}{{ end }}
  {{- $beside := list }}
  {{- if include "sd.hasCollector" . }}{{ $beside = append $beside (include "sd.collectorContainer" .) }}{{ end }}
  {{- if eq .Values.telemetry.kind "xray" }}{{ $beside = append $beside (include "sd.xrayContainer" .) }}{{ end }}
  {{- $beside = append $beside (include "sd.engineContainer" .) }}
  {{- if .Values.nativeSidecars }}{{ $init = concat $init $beside }}{{ end }}
  {{- with $init }}
  initContainers:
    {{- range . }}
    {{- . | trim | nindent 4 }}
    {{- end }}
  {{- end }}
  containers:
    {{- include "sd.agentContainer" . | trim | nindent 4 }}
    {{- if not .Values.nativeSidecars }}
    {{- range $beside }}
    {{- . | trim | nindent 4 }}
    {{- end }}
    {{- end }}
  volumes:
    {{- range $index, $path := .Values.engine.writablePaths }}
    - name: writable-{{ $index }}
      emptyDir:
        sizeLimit: {{ $.Values.engine.writableSizeLimit }}
    {{- end }}
    - name: shared-memory
      emptyDir:
        medium: Memory
        sizeLimit: {{ .Values.engine.sharedMemory }}
    - name: agent-tmp
      emptyDir:
        sizeLimit: 1Gi
    {{- if include "sd.modelClaim" . }}
    - name: models
      persistentVolumeClaim:
        claimName: {{ include "sd.modelClaim" . }}
        readOnly: {{ or (ne .Values.models.source "claim") .Values.models.claim.readOnly }}
    {{- else if eq .Values.models.source "pull" }}
    - name: models
      emptyDir:
        sizeLimit: {{ .Values.models.pull.sizeLimit }}
    {{- end }}
    {{- if include "sd.hasCollector" . }}
    - name: collector
      configMap:
        name: {{ include "sd.fullname" . }}-collector
    {{- end }}
    {{- if .Values.agent.markPod }}
    - name: kubernetes
      projected:
        sources:
          - serviceAccountToken:
              path: token
              expirationSeconds: 3600
          - configMap:
              name: kube-root-ca.crt
              items:
                - key: ca.crt
                  path: ca.crt
          - downwardAPI:
              items:
                - path: namespace
                  fieldRef:
                    fieldPath: metadata.namespace
    {{- end }}
    {{- with .Values.pod.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* A sidecar's restart policy, where sidecars are native. */}}
{{- define "sd.sidecar" -}}
{{- if .Values.nativeSidecars }}
restartPolicy: Always
{{- end }}
{{- end }}

{{/* A container's security context; where processes are shared, with the agent's user. Takes root and context. */}}
{{- define "sd.securityContext" -}}
{{- $context := deepCopy .context }}
{{- if include "sd.sharesProcesses" .root }}
{{- $context = mergeOverwrite $context (pick .root.Values.agent.securityContext "runAsUser" "runAsGroup") }}
{{- end }}
{{- toYaml $context }}
{{- end }}

{{/* Environment from a map, in order of name. */}}
{{- define "sd.environment" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{/* Network policies know pods; this one tells the engine from the agent by its user, before either is started. */}}
{{- define "sd.guardContainer" }}
- name: guard
  image: {{ include "sd.image" (dict "root" . "image" .Values.networkPolicy.guard.image "default" "sd-guard") }}
  imagePullPolicy: {{ include "sd.pullPolicy" (dict "root" . "image" .Values.networkPolicy.guard.image) }}
  args: [{{ int .Values.engine.securityContext.runAsUser | quote }}]
  resources:
    requests:
      cpu: 10m
      memory: 16Mi
    limits:
      memory: 32Mi
  securityContext:
    runAsUser: 0
    runAsNonRoot: false
    readOnlyRootFilesystem: true
    allowPrivilegeEscalation: false
    capabilities:
      drop:
        - ALL
      add:
        - NET_ADMIN
    seccompProfile:
      type: RuntimeDefault
{{- end }}

{{- define "sd.pullContainer" }}
- name: models
  image: {{ include "sd.image" (dict "root" . "image" .Values.models.pull.image "default" "sdctl") }}
  imagePullPolicy: {{ include "sd.pullPolicy" (dict "root" . "image" .Values.models.pull.image) }}
  args:
    - models
    - pull
    - {{ .Values.models.pull.uri | quote }}
    - {{ .Values.engine.modelMountPath | quote }}
  env:
    - name: AWS_REGION
      value: {{ .Values.global.awsRegion | quote }}
  resources:
    {{- toYaml .Values.models.pull.resources | nindent 4 }}
  securityContext:
    {{- toYaml .Values.agent.securityContext | nindent 4 }}
  volumeMounts:
    - name: models
      mountPath: {{ .Values.engine.modelMountPath }}
    - name: agent-tmp
      mountPath: /tmp
{{- end }}

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

{{/* Settings of the agent by their environment names; what is empty is left to the agent's own defaults. */}}
{{- define "sd.agentSettings" -}}
{{- $v := .Values }}
{{- $settings := dict
  "AWS_REGION" $v.global.awsRegion
  "SD_RUNTIME" (include "sd.runtime" .)
  "SD_QUEUE" $v.queue.url
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

{{- define "sd.collectorConfig" -}}
extensions:
  health_check:
    endpoint: 0.0.0.0:13133
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:4318
processors:
  memory_limiter:
    check_interval: 1s
    limit_mib: 128
  batch:
    timeout: 2s
exporters:
  awsxray:
    region: {{ .Values.global.awsRegion }}
service:
  extensions: [health_check]
  pipelines:
    traces:
      receivers: [otlp]
      processors: [memory_limiter, batch]
      exporters: [awsxray]
{{- end }}

{{- define "sd.collectorContainer" }}
- name: collector
  image: {{ include "sd.image" (dict "root" . "image" .Values.telemetry.collector.image "default" "") }}
  imagePullPolicy: {{ include "sd.pullPolicy" (dict "root" . "image" .Values.telemetry.collector.image) }}
  {{- with include "sd.sidecar" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  args:
    - --config=/etc/collector/config.yaml
  env:
    - name: AWS_REGION
      value: {{ .Values.global.awsRegion | quote }}
  resources:
    {{- toYaml .Values.telemetry.resources | nindent 4 }}
  securityContext:
    {{- include "sd.securityContext" (dict "root" . "context" .Values.telemetry.securityContext) | nindent 4 }}
  volumeMounts:
    - name: collector
      mountPath: /etc/collector
      readOnly: true
{{- end }}

{{- define "sd.xrayContainer" }}
- name: xray-daemon
  image: {{ include "sd.image" (dict "root" . "image" .Values.telemetry.xray.image "default" "") }}
  imagePullPolicy: {{ include "sd.pullPolicy" (dict "root" . "image" .Values.telemetry.xray.image) }}
  {{- with include "sd.sidecar" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  env:
    - name: AWS_REGION
      value: {{ .Values.global.awsRegion | quote }}
  ports:
    - name: xray
      containerPort: 2000
      protocol: UDP
  resources:
    {{- toYaml .Values.telemetry.resources | nindent 4 }}
  securityContext:
    {{- include "sd.securityContext" (dict "root" . "context" .Values.telemetry.securityContext) | nindent 4 }}
{{- end }}
