{{/* The name of the chart's part, in labels. */}}
{{- define "filing-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of every object, or what it begins with. */}}
{{- define "filing-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "filing-operator.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "filing-operator.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What tells the operator's Pods from others; never changes in the life of a release. */}}
{{- define "filing-operator.selector" -}}
app.kubernetes.io/name: {{ include "filing-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The labels of every object. */}}
{{- define "filing-operator.labels" -}}
{{ include "filing-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: filing-operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "filing-operator.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "filing-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name: name the ServiceAccount that serviceAccount.create: false leaves to you" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "filing-operator.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* The Secret of the webhook's certificate. */}}
{{- define "filing-operator.tlsSecret" -}}
{{- if .Values.webhook.tls.secretName }}
{{- .Values.webhook.tls.secretName }}
{{- else if eq .Values.webhook.tls.mode "self" -}}
filing-operator-ca
{{- else if eq .Values.webhook.tls.mode "secret" }}
{{- required "webhook.tls.secretName: name the Secret that webhook.tls.mode: secret is served from" .Values.webhook.tls.secretName }}
{{- else }}
{{- printf "%s-tls" (include "filing-operator.fullname" .) }}
{{- end }}
{{- end }}

{{/* What every Pod and container of the chart keeps to: the profile `restricted` of Pod Security. */}}
{{- define "filing-operator.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "filing-operator.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where the Pods of a hook run and how they get their image. */}}
{{- define "filing-operator.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Name, labels and annotations of what exists for a hook alone, and goes with it: "name", "hook", "weight", "root". What fails
stays, to be looked at. */}}
{{- define "filing-operator.hook" -}}
name: {{ .name }}
labels:
  {{- include "filing-operator.labels" .root | nindent 2 }}
annotations:
  helm.sh/hook: {{ .hook }}
  helm.sh/hook-weight: {{ .weight | quote }}
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* The spec of a Job that runs one command of the program: "account", "component", "args", "root". */}}
{{- define "filing-operator.job" -}}
backoffLimit: 2
activeDeadlineSeconds: 900
template:
  metadata:
    labels:
      {{- include "filing-operator.labels" .root | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
  spec:
    restartPolicy: Never
    serviceAccountName: {{ .account }}
    securityContext:
      {{- include "filing-operator.podSecurity" .root | nindent 6 }}
    {{- with include "filing-operator.placement" .root | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    containers:
      - name: {{ .component }}
        image: {{ include "filing-operator.image" .root }}
        imagePullPolicy: {{ .root.Values.image.pullPolicy }}
        args:
          {{- toYaml .args | nindent 10 }}
        env:
          - {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
        resources:
          requests: {cpu: 10m, memory: 32Mi}
          limits: {memory: 128Mi}
        securityContext:
          {{- include "filing-operator.containerSecurity" .root | nindent 10 }}
{{- end }}
