{{/* The sidecars that spans are sent to. */}}

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
