{{/* The value names of the two charts that came before this one.

     "sd.prepare" moves what stands under an old name to its new one, in place, before anything is rendered, and refuses
     by name what it does not know. An old name wins over a new one. Empty values of old names count as absent, so that
     whole copies of the old defaults work. The first of them was rooted in `sdWebuiInferenceApi`, the second in `runtime`;
     both had `karpenter.provisioner` and `karpenter.nodeTemplate`. */}}

{{/* Old name under its root, and new name. */}}
{{- define "sd.legacy.runtimeMoves" -}}
labels: pod.labels
annotations: pod.annotations
replicas: scaling.replicas
scaling.enabled: scaling.enabled
scaling.queueLength: scaling.queueLength
scaling.cooldownPeriod: scaling.cooldownPeriod
scaling.maxReplicaCount: scaling.maxReplicaCount
scaling.minReplicaCount: scaling.minReplicaCount
scaling.pollingInterval: scaling.pollingInterval
scaling.scaleOnInFlight: scaling.scaleOnInFlight
scaling.extraHPAConfig: scaling.extraHPAConfig
scaling.activeDeadlineSeconds: scaling.job.activeDeadlineSeconds
scaling.backoffLimit: scaling.job.backoffLimit
scaling.successfulJobsHistoryLimit: scaling.job.successfulJobsHistoryLimit
scaling.failedJobsHistoryLimit: scaling.job.failedJobsHistoryLimit
inferenceApi.image.repository: engine.image.repository
inferenceApi.image.tag: engine.image.tag
inferenceApi.imagePullPolicy: engine.image.pullPolicy
inferenceApi.modelFilename: engine.model
inferenceApi.modelMountPath: engine.modelMountPath
inferenceApi.resources: engine.resources
queueAgent.imagePullPolicy: agent.image.pullPolicy
queueAgent.dynamicModel: engine.dynamicModel
queueAgent.snsTopicArn: events.topic
queueAgent.sqsQueueUrl: queue.url
queueAgent.resources: agent.resources
queueAgent.xray.daemon.image.repository: telemetry.xray.image.repository
queueAgent.xray.daemon.image.tag: telemetry.xray.image.tag
persistence.labels: models.labels
persistence.annotations: models.annotations
persistence.size: models.size
persistence.accessModes: models.claim.accessModes
persistence.s3.modelBucket: models.s3.bucket
{{- end }}

{{- define "sd.legacy.karpenterMoves" -}}
provisioner.labels: nodePool.labels
provisioner.capacityType.onDemand: nodePool.capacityType.onDemand
provisioner.capacityType.spot: nodePool.capacityType.spot
provisioner.instanceType: nodePool.instanceTypes
provisioner.extraRequirements: nodePool.extraRequirements
provisioner.extraTaints: nodePool.extraTaints
provisioner.resourceLimits: nodePool.limits
provisioner.disruption.consolidateAfter: nodePool.disruption.consolidateAfter
provisioner.disruption.expireAfter: nodePool.disruption.expireAfter
nodeTemplate.iamRole: nodeClass.role
nodeTemplate.instanceProfile: nodeClass.instanceProfile
nodeTemplate.securityGroupSelector: nodeClass.securityGroupSelector
nodeTemplate.subnetSelector: nodeClass.subnetSelector
nodeTemplate.tags: nodeClass.tags
nodeTemplate.amiFamily: nodeClass.amiFamily
nodeTemplate.instanceStorePolicy: nodeClass.instanceStorePolicy
nodeTemplate.osVolume.volumeSize: nodeClass.osVolume.volumeSize
nodeTemplate.osVolume.volumeType: nodeClass.osVolume.volumeType
nodeTemplate.osVolume.deleteOnTermination: nodeClass.osVolume.deleteOnTermination
nodeTemplate.osVolume.iops: nodeClass.osVolume.iops
nodeTemplate.osVolume.throughput: nodeClass.osVolume.throughput
nodeTemplate.osVolume.snapshotID: nodeClass.osVolume.snapshotID
nodeTemplate.dataVolume.volumeSize: nodeClass.dataVolume.volumeSize
nodeTemplate.dataVolume.volumeType: nodeClass.dataVolume.volumeType
nodeTemplate.dataVolume.deleteOnTermination: nodeClass.dataVolume.deleteOnTermination
nodeTemplate.dataVolume.iops: nodeClass.dataVolume.iops
nodeTemplate.dataVolume.throughput: nodeClass.dataVolume.throughput
nodeTemplate.dataVolume.snapshotID: nodeClass.dataVolume.snapshotID
nodeTemplate.userData: nodeClass.userData
{{- end }}

{{/* Moves the values of a table. Takes moves, from and to (maps). */}}
{{- define "sd.legacy.move" -}}
{{- $from := .from }}
{{- $to := .to }}
{{- range $old, $new := fromYaml .moves }}
{{- $folder := $from }}
{{- range initial (splitList "." $old) }}
{{- $folder = ternary (get $folder .) (dict) (and (hasKey $folder .) (kindIs "map" (get $folder .))) }}
{{- end }}
{{- $leaf := last (splitList "." $old) }}
{{- if hasKey $folder $leaf }}
{{- $value := get $folder $leaf }}
{{- $_ := unset $folder $leaf }}
{{- if not (and (empty $value) (not (kindIs "bool" $value)) (not (kindIs "float64" $value)) (not (kindIs "int64" $value)) (not (kindIs "int" $value))) }}
{{- $target := $to }}
{{- range initial (splitList "." $new) }}
{{- if not (kindIs "map" (get $target .)) }}{{ $_ := set $target . (dict) }}{{ end }}
{{- $target = get $target . }}
{{- end }}
{{- $_ := set $target (last (splitList "." $new)) $value }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The names of what is left under a map, a line each; empty values count as absent. Takes path and value. */}}
{{- define "sd.legacy.left" -}}
{{- $path := .path }}
{{- if kindIs "map" .value }}
{{- range $name, $value := .value }}
{{- include "sd.legacy.left" (dict "path" (printf "%s.%s" $path $name) "value" $value) }}
{{- end }}
{{- else if or (kindIs "bool" .value) (not (empty .value)) }}
{{ $path }}
{{- end }}
{{- end }}

{{- define "sd.prepare" -}}
{{- $values := .Values }}
{{- $old := list }}
{{- range $root := list "sdWebuiInferenceApi" "runtime" }}
{{- if hasKey $values $root }}
{{- $from := get $values $root }}
{{- $_ := unset $values $root }}
{{- include "sd.legacy.runtime" (dict "from" $from "values" $values "root" $root) }}
{{- $old = concat $old (splitList "\n" (include "sd.legacy.left" (dict "path" $root "value" $from))) }}
{{- end }}
{{- end }}
{{- $karpenter := pick $values.karpenter "provisioner" "nodeTemplate" }}
{{- if $karpenter }}
{{- $_ := set $values.karpenter "enabled" true }}
{{- $_ := unset $values.karpenter "provisioner" }}
{{- $_ := unset $values.karpenter "nodeTemplate" }}
{{- include "sd.legacy.karpenter" (dict "from" $karpenter "values" $values) }}
{{- $old = concat $old (splitList "\n" (include "sd.legacy.left" (dict "path" "karpenter" "value" $karpenter))) }}
{{- end }}
{{- with compact $old }}
{{- fail (printf "\n\nThese values had no meaning in the charts whose names they follow, and have none here:\n  %s\nREADME.md of the chart lists every value and the new name of each old one." (join "\n  " .)) }}
{{- end }}
{{- end }}

{{/* What a name under `sdWebuiInferenceApi` or `runtime` became. Takes from, values and root. */}}
{{- define "sd.legacy.runtime" -}}
{{- $from := .from }}
{{- $values := .values }}
{{- include "sd.legacy.move" (dict "moves" (include "sd.legacy.runtimeMoves" .) "from" $from "to" $values) }}
{{- if hasKey $from "isJob" }}
{{- if $from.isJob }}{{ $_ := set $values "mode" "job" }}{{ end }}
{{- $_ := unset $from "isJob" }}
{{- end }}
{{- with $from.type }}
{{- $kinds := dict "sdwebui" "webui" "comfyui" "comfyui" }}
{{- if not (hasKey $kinds (lower .)) }}{{ fail (printf "runtime.type is %q: it was sdwebui or comfyui; the new name is engine.kind (webui, comfyui, openai)" .) }}{{ end }}
{{- $_ := set $values.engine "kind" (get $kinds (lower .)) }}
{{- end }}
{{- $_ := unset $from "type" }}
{{- with $from.serviceAccountName }}
{{- $_ := set $values.serviceAccount "name" . }}
{{- $_ := set $values.serviceAccount "create" false }}
{{- end }}
{{- $_ := unset $from "serviceAccountName" }}
{{- with $from.inferenceApi }}
{{- with .commandArguments }}{{ $_ := set $values.engine "extraArgs" (compact (splitList " " .)) }}{{ end }}
{{- $_ := unset . "commandArguments" }}
{{- include "sd.legacy.environment" (dict "from" . "to" $values.engine) }}
{{- end }}
{{- with $from.queueAgent }}
{{- include "sd.legacy.agentImage" (dict "from" . "values" $values) }}
{{- with .s3Bucket }}{{ $_ := set $values.store "uri" (printf "s3://%s" (trimPrefix "s3://" .)) }}{{ end }}
{{- $_ := unset . "s3Bucket" }}
{{- include "sd.legacy.environment" (dict "from" . "to" $values.agent) }}
{{- $agent := . }}
{{- range list "XRay" "xray" }}
{{- if hasKey $agent . }}
{{- $xray := get $agent . }}
{{- if hasKey $xray "enabled" }}{{ $_ := set $values.telemetry "kind" (ternary "xray" "none" $xray.enabled) }}{{ end }}
{{- $_ := unset $xray "enabled" }}
{{- end }}
{{- end }}
{{- end }}
{{- with $from.persistence }}
{{- $bucket := and .s3 (dig "enabled" true .s3) $values.models.s3.bucket }}
{{- if and (hasKey . "enabled") (not .enabled) }}
{{- $_ := set $values.models "source" "none" }}
{{- else if .existingClaim }}
{{- $_ := set $values.models "source" "claim" }}
{{- $_ := set $values.models.claim "name" .existingClaim }}
{{- else if $bucket }}
{{- $_ := set $values.models "source" "s3" }}
{{- else if and (or .storageClass .existingVolume) (eq $values.models.source "none") }}
{{- $_ := set $values.models "source" "claim" }}
{{- $_ := set $values.models.claim "create" true }}
{{- $_ := set $values.models.claim "storageClass" (trimPrefix "-" (default "" .storageClass)) }}
{{- $_ := set $values.models.claim "volumeName" (default "" .existingVolume) }}
{{- end }}
{{- $persistence := . }}
{{- range list "enabled" "existingClaim" "storageClass" "existingVolume" }}{{ $_ := unset $persistence . }}{{ end }}
{{- with .s3 }}{{ $_ := unset . "enabled" }}{{ end }}
{{- end }}
{{- include "sd.legacy.images" $values }}
{{- end }}

{{/* Agents of the references answer no probes. Where it is known where our images are, one of ours takes their place; else
     the image is taken, and the notes say what it must be. Takes from and values. */}}
{{- define "sd.legacy.agentImage" -}}
{{- with .from.image }}
{{- if and .repository (or (not $.values.images.registry) (regexMatch "(^|/)sd-(agent|job)$" .repository)) }}
{{- $_ := set $.values.agent.image "repository" .repository }}
{{- with .tag }}{{ $_ := set $.values.agent.image "tag" . }}{{ end }}
{{- end }}
{{- end }}
{{- $_ := unset .from "image" }}
{{- end }}

{{/* `extraEnv` was a map in one chart's schema and a list in both charts' templates. */}}
{{- define "sd.legacy.environment" -}}
{{- with .from.extraEnv }}
{{- $_ := set $.to (ternary "env" "extraEnv" (kindIs "map" .)) . }}
{{- end }}
{{- $_ := unset .from "extraEnv" }}
{{- end }}

{{/* Images of the references listen on every address and run as root on a root file system that they write to; GPUs stood
     among the resources. Takes values. */}}
{{- define "sd.legacy.images" -}}
{{- if contains "/" .engine.image.repository }}
{{- $_ := set .engine "listen" "pod" }}
{{- $_ := set .engine "securityContext" (dict "allowPrivilegeEscalation" false "seccompProfile" (dict "type" "RuntimeDefault")) }}
{{- $_ := set .networkPolicy "engineEgress" "allow" }}
{{- end }}
{{- $values := . }}
{{- range list "limits" "requests" }}
{{- $resources := get $values.engine.resources . }}
{{- if and $resources (hasKey $resources $values.gpu.resource) }}
{{- $_ := set $values.gpu "count" (int (get $resources $values.gpu.resource)) }}
{{- $_ := unset $resources $values.gpu.resource }}
{{- end }}
{{- end }}
{{- end }}

{{/* What a name under `karpenter.provisioner` or `karpenter.nodeTemplate` became. Takes from and values. */}}
{{- define "sd.legacy.karpenter" -}}
{{- $to := .values.karpenter }}
{{- with .from.nodeTemplate }}
{{- if and (hasKey . "dataVolume") (empty .dataVolume) }}{{ $_ := set $to.nodeClass "dataVolume" (dict) }}{{ end }}
{{- end }}
{{- include "sd.legacy.move" (dict "moves" (include "sd.legacy.karpenterMoves" .) "from" .from "to" $to) }}
{{- with .from.provisioner }}
{{- if and (hasKey . "consolidation") (not .consolidation) }}{{ $_ := set $to.nodePool.disruption "consolidateAfter" "Never" }}{{ end }}
{{- $_ := unset . "consolidation" }}
{{- end }}
{{- end }}
