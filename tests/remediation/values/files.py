"""Configuration files as people write them."""

KUBERNETES = b"""\
# The shop, in production
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  namespace: prod
  labels: {app.kubernetes.io/name: shop, "app.kubernetes.io/part-of": 'acme'}
spec:
  replicas: 3   # two are enough at night
  template:
    spec:
      containers:
        - name: shop
          image: registry.example.com:5000/acme/shop:sha-1a2b3c4
          args: ["--workers", "4", --verbose]
          env:
            - name: POOL_SIZE
              value: "20"
            - {name: TIMEOUT_S, value: '2.5'}
          resources:
            limits: {cpu: 500m, memory: 512Mi}
---
apiVersion: v1
kind: Service
metadata:
  name: shop
  namespace: prod
spec:
  ports:
  - port: 80
    targetPort: 8080
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data:
  LOG_LEVEL: info
  app.yaml: |
    pool:
      size: 20
    greeting: {{ not ours }}
...
"""

HELM = b"""\
image:
  repository: acme/shop
  tag: "sha-1a2b3c4" # {"$imagepolicy": "flux-system:shop:tag"}
  pullPolicy: IfNotPresent

replicaCount: 2
autoscaling:
    enabled: false
    targetCPU: 80
annotations:
    prometheus.io/scrape: "true"
    prometheus.io/port:   "8080"
greeting: 'it''s {{ .Release.Name }}'
ratio: 0.25
tolerations: []
nodeSelector: {}
extra:
"""

PYPROJECT = b"""\
[project]
name = "shop"
version = '1.2.3'
dependencies = [
    "httpx>=0.28,<1",  # the client
    "pydantic>=2",
]

[project.optional-dependencies]
dev = ["pytest"]

[tool.shop]
pool.size = 1_000
pool.grow = true
mask = 0o755
[tool.shop."time.outs"]
connect = 2.5
read = { "first byte" = 1.0, whole = 30 }

[[tool.shop.routes]]
path = "/checkout"
weight = 1
[[tool.shop.routes]]
path = "/cart"
text = \"\"\"
path = "/none"
\"\"\"
weight = 2
"""

PACKAGE = b"""\
{
  "name": "shop",
  "version": "1.2.3",
  "private": true,
  "scripts": {
    "start": "node --max-old-space-size=512 \\"server.js\\"",
    "test": "jest"
  },
  "config": { "port": 8080, "ratio": 0.5, "hosts": ["a", "b\\u00e9"] },
  "dependencies": {}
}"""

COMPOSE = b"""\
x-limits: &limits
  mem_limit: 512m
  restart: always
services:
  shop:
    <<: *limits
    image: acme/shop:1.2.3
    ports: ["8080:80"]
    environment:
      POOL_SIZE: &size 20
      SPARE: *size
      DEBUG: no
""".replace(b"\n", b"\r\n")

HAND_WRITTEN = {
    "prod/shop.yaml": KUBERNETES,
    "prod/values.yaml": HELM,
    "pyproject.toml": PYPROJECT,
    "package.json": PACKAGE,
}
