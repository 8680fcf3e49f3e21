import type { ViaChoice } from './vias.js';

/** What the containers of an app are told. */
function variables(via: ViaChoice, dnsName: string): [name: string, value: string][] {
  switch (via) {
    case 'environment':
      return [['PEERAGE_VIA', `dns:${dnsName}`]];
    case 'redis':
      return [['REDIS_URL', 'redis://redis:6379']];
    case 'postgres':
      return [['DATABASE_URL', 'postgres://app@postgres/app']];
    case 'list':
      return [['PEERS', `${dnsName}@10.0.0.11 ${dnsName}@10.0.0.12`]];
    default:
      return [];
  }
}

/** The secret comes by the module's own variable where the module reads its variables. */
function secretOf(via: ViaChoice): string {
  return via === 'environment' ? 'PEERAGE_SECRET' : 'CLUSTER_SECRET';
}

/** `kubernetes/peerage.yaml` */
export function kubernetesPieces(via: ViaChoice, app: string): string {
  const peers = `${app}-peers`;
  const told = variables(via, peers).map(
    ([name, value]) => `            - name: ${name}\n              value: ${value}\n`,
  );
  const account = via === 'kubernetes' ? `      serviceAccountName: ${app}\n` : '';
  return `# Written by nest add nestjs-peerage. The cluster secret, once:
#   kubectl create secret generic ${app}-cluster --from-literal=secret="$(openssl rand -base64 32)"
#
# Each pod behind this name, also before it is ready. The mesh is between the pods; nothing else needs the port.
apiVersion: v1
kind: Service
metadata:
  name: ${peers}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    app: ${app}
  ports:
    - name: mesh
      port: 4370
      protocol: TCP
    - name: mesh-probes
      port: 4370
      protocol: UDP
---
# Have a Deployment already? Take from here what is commented.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${app}
spec:
  replicas: 3
  strategy:
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels:
      app: ${app}
  template:
    metadata:
      labels:
        # What the Service above selects.
        app: ${app}
    spec:
${account}      # More than the pause below and the drain of the module (10 s) together.
      terminationGracePeriodSeconds: 30
      containers:
        - name: ${app}
          # Your own image.
          image: ${app}:latest
          # Node itself: behind npm start or a shell SIGTERM may not reach the app, and nobody hears a goodbye.
          command:
            - node
            - dist/main.js
          lifecycle:
            preStop:
              # Services stop sending to this pod meanwhile.
              sleep:
                seconds: 5
          ports:
            - name: mesh
              containerPort: 4370
              protocol: TCP
            - name: mesh-probes
              containerPort: 4370
              protocol: UDP
          env:
${told.join('')}            - name: ${secretOf(via)}
              valueFrom:
                secretKeyRef:
                  name: ${app}-cluster
                  key: secret
            # The address that this pod tells its peers.
            - name: POD_IP
              valueFrom:
                fieldRef:
                  fieldPath: status.podIP
${via === 'kubernetes' ? access(app) : ''}`;
}

function access(app: string): string {
  return `---
# The right to list and watch the pods behind the Service.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: ${app}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: ${app}-peers
rules:
  - apiGroups:
      - discovery.k8s.io
    resources:
      - endpointslices
    verbs:
      - list
      - watch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ${app}-peers
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: ${app}-peers
subjects:
  - kind: ServiceAccount
    name: ${app}
`;
}

/** `compose.peerage.yaml` */
export function composePieces(via: ViaChoice, app: string): string {
  const told = variables(via, app).map(([name, value]) => `      ${name}: ${value}\n`);
  const secret = secretOf(via);
  return `# Written by nest add nestjs-peerage. Beside a compose file of yours that has the service ${app}:
#   ${secret}="$(openssl rand -base64 32)" docker compose -f compose.yaml -f compose.peerage.yaml up --scale ${app}=3
#
# Port 4370 (TCP and UDP) is used between the containers only: publish nothing.
services:
  ${app}:
    environment:
${told.join('')}      ${secret}: \${${secret}:?make one with openssl rand -base64 32}
`;
}
