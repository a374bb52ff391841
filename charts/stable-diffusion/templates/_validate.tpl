{{/* Everything that only several values together can tell, all of it at once. */}}
{{- define "sd.validate" -}}
{{- $errors := list }}
{{- $runs := ne .Values.mode "none" }}
{{- $ours := false }}
{{- range list (and $runs .Values.engine.image.repository) (and $runs (default "sd-agent" .Values.agent.image.repository)) (and .Values.gateway.enabled .Values.gateway.image.repository) }}
{{- if and . (not (contains "/" .)) }}{{ $ours = true }}{{ end }}
{{- end }}
{{- if and $ours (not .Values.images.registry) }}
{{- $errors = append $errors "images.registry is empty: set it to where `make images push REGISTRY=...` put the images" }}
{{- end }}
{{- if and (not $runs) (not .Values.gateway.enabled) }}
{{- $errors = append $errors "mode is none and gateway.enabled is false: this release would hold nothing" }}
{{- end }}
{{- if $runs }}
{{- if not .Values.queue.url }}
{{- $errors = append $errors "queue.url is empty: set it to the output QueueUrl of the runtime's stack" }}
{{- end }}
{{- if and .Values.queue.priorityUrl (eq .Values.queue.priorityUrl .Values.queue.url) }}
{{- $errors = append $errors "queue.priorityUrl is queue.url: set it to the output PriorityQueueUrl of the runtime's stack, or leave it empty" }}
{{- end }}
{{- if not .Values.store.uri }}
{{- $errors = append $errors "store.uri is empty: set it to s3:// and the output OutputBucketName of the pipeline's stack" }}
{{- end }}
{{- if not .Values.global.awsRegion }}
{{- $errors = append $errors "global.awsRegion is empty: set it to the region of queue, bucket and topic" }}
{{- end }}
{{- if and (eq .Values.engine.kind "webui") (not .Values.engine.model) (not .Values.engine.dynamicModel) }}
{{- $errors = append $errors "engine.model is empty and engine.dynamicModel is false: no task could be routed here; set one of them" }}
{{- end }}
{{- $grace := int (include "sd.terminationGrace" .) }}
{{- if lt $grace (add (int .Values.agent.graceSeconds) 10) }}
{{- $errors = append $errors (printf "pod.terminationGracePeriodSeconds is %d: it must exceed agent.graceSeconds (%d) by 10 or more, or a drain is cut off" $grace (int .Values.agent.graceSeconds)) }}
{{- end }}
{{- if and (include "sd.hasGuard" .) (not .Values.engine.securityContext.runAsUser) }}
{{- $errors = append $errors "networkPolicy.engineEgress is deny, which tells the engine by its user: set engine.securityContext.runAsUser, or engineEgress: allow" }}
{{- end }}
{{- if and (include "sd.hasGuard" .) (eq (int .Values.engine.securityContext.runAsUser) (int .Values.agent.securityContext.runAsUser)) }}
{{- $errors = append $errors "engine and agent run as the same user: networkPolicy.engineEgress: deny would cut off the agent too" }}
{{- end }}
{{- $strategy := .Values.scaling.job.strategy }}
{{- if and (eq .Values.mode "job") (eq $strategy "accurate") .Values.scaling.scaleOnInFlight }}
{{- $errors = append $errors "scaling.job.strategy is accurate, which counts waiting messages only: set scaling.scaleOnInFlight to false" }}
{{- end }}
{{- if and (eq .Values.mode "job") (eq $strategy "default") (not .Values.scaling.scaleOnInFlight) }}
{{- $errors = append $errors "scaling.job.strategy is default, which subtracts the jobs at work: set scaling.scaleOnInFlight to true" }}
{{- end }}
{{- if gt (int .Values.scaling.minReplicaCount) (int .Values.scaling.maxReplicaCount) }}
{{- $errors = append $errors "scaling.minReplicaCount is above scaling.maxReplicaCount" }}
{{- end }}
{{- if and .Values.scaling.enabled (not .Values.scaling.authentication.create) (not .Values.scaling.authentication.name) }}
{{- $errors = append $errors "scaling.authentication.create is false: name an existing TriggerAuthentication" }}
{{- end }}
{{- if and (eq .Values.mode "job") (not .Values.scaling.enabled) }}
{{- $errors = append $errors "mode is job and scaling.enabled is false: nobody would start the jobs" }}
{{- end }}
{{- $models := .Values.models }}
{{- if and (eq $models.source "s3") (not $models.s3.bucket) }}
{{- $errors = append $errors "models.source is s3: name models.s3.bucket" }}
{{- end }}
{{- if and (eq $models.source "efs") (not $models.efs.fileSystemId) }}
{{- $errors = append $errors "models.source is efs: name models.efs.fileSystemId" }}
{{- end }}
{{- if and (eq $models.source "claim") (not $models.claim.name) (not $models.claim.create) }}
{{- $errors = append $errors "models.source is claim: name models.claim.name, or set models.claim.create" }}
{{- end }}
{{- if and (eq $models.source "pull") (not $models.pull.uri) }}
{{- $errors = append $errors "models.source is pull: name models.pull.uri" }}
{{- end }}
{{- if and $models.s3.prefix (not (hasSuffix "/" $models.s3.prefix)) }}
{{- $errors = append $errors "models.s3.prefix must end with a slash" }}
{{- end }}
{{- if .Values.karpenter.enabled }}
{{- $class := .Values.karpenter.nodeClass }}
{{- if and (not .Values.karpenter.clusterName) (or (not $class.subnetSelector) (not $class.securityGroupSelector)) }}
{{- $errors = append $errors "karpenter.clusterName is empty: set it, or both karpenter.nodeClass.subnetSelector and securityGroupSelector" }}
{{- end }}
{{- if eq (empty $class.role) (empty $class.instanceProfile) }}
{{- $errors = append $errors "set one of karpenter.nodeClass.role and karpenter.nodeClass.instanceProfile" }}
{{- end }}
{{- if not (or .Values.karpenter.nodePool.capacityType.onDemand .Values.karpenter.nodePool.capacityType.spot) }}
{{- $errors = append $errors "karpenter.nodePool.capacityType: one of onDemand and spot must be true" }}
{{- end }}
{{- if and (eq $class.amiFamily "Custom") (not $class.amiSelectorTerms) }}
{{- $errors = append $errors "karpenter.nodeClass.amiFamily is Custom: name karpenter.nodeClass.amiSelectorTerms" }}
{{- end }}
{{- if and $class.soci (ne $class.amiFamily "Bottlerocket") }}
{{- $errors = append $errors "karpenter.nodeClass.soci is a setting of Bottlerocket; write userData for other systems" }}
{{- end }}
{{- end }}
{{- end }}
{{- if .Values.gateway.enabled }}
{{- if not .Values.gateway.topic }}
{{- $errors = append $errors "gateway.topic is empty: set it to the output InputTopicArn of the pipeline's stack" }}
{{- end }}
{{- if not .Values.store.uri }}
{{- $errors = append $errors "store.uri is empty: the gateway answers from the same store" }}
{{- end }}
{{- if and (not $runs) (not .Values.gateway.runtimes) }}
{{- $errors = append $errors "gateway.runtimes is empty: name the runtimes that tasks may be sent to" }}
{{- end }}
{{- if and .Values.gateway.webhooks.queue (not .Values.gateway.webhooks.secret) }}
{{- $errors = append $errors "gateway.webhooks.secret is empty: name the secret that webhooks are signed with" }}
{{- end }}
{{- if and .Values.gateway.ingress.enabled (not .Values.gateway.ingress.hosts) }}
{{- $errors = append $errors "gateway.ingress.hosts is empty" }}
{{- end }}
{{- end }}
{{- with uniq $errors }}
{{- fail (printf "\n\nThe values do not fit together:\n  - %s" (join "\n  - " .)) }}
{{- end }}
{{- end }}
