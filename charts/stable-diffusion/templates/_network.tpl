{{/* What the pods of this release reach. */}}
{{- define "sd.egress" -}}
# Names
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
    - ipBlock:
        cidr: 169.254.20.10/32
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
# Credentials: the EKS Pod Identity agent on the node
- to:
    - ipBlock:
        cidr: 169.254.170.23/32
    - ipBlock:
        cidr: fd00:ec2::23/128
  ports:
    - port: 80
      protocol: TCP
{{- if .Values.networkPolicy.publicEgress }}
# AWS, and inputs at public addresses; never the node's metadata, never a neighbour
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except:
          - 10.0.0.0/8
          - 100.64.0.0/10
          - 127.0.0.0/8
          - 169.254.0.0/16
          - 172.16.0.0/12
          - 192.168.0.0/16
    - ipBlock:
        cidr: ::/0
        except:
          - fc00::/7
          - fe80::/10
  ports:
    - port: 443
      protocol: TCP
    - port: 80
      protocol: TCP
{{- end }}
{{- with .Values.networkPolicy.privateCidrs }}
# VPC endpoints and the Kubernetes API
- to:
    {{- range . }}
    - ipBlock:
        cidr: {{ . }}
    {{- end }}
  ports:
    - port: 443
      protocol: TCP
{{- end }}
{{- if and (eq .Values.telemetry.kind "otlp") .Values.telemetry.endpoint }}
{{- $host := (urlParse .Values.telemetry.endpoint).host }}
# The collector of spans
- to:
    - namespaceSelector: {}
  ports:
    - port: {{ ternary (int (last (splitList ":" $host))) 4318 (contains ":" $host) }}
      protocol: TCP
{{- end }}
{{- with .Values.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}
