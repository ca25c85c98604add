# The daemon as an image: one Python environment, git and certificates; nothing to build with, nobody's keys.
# Any image with Python 3.11 to 3.13 and pip will do, as in --build-arg PYTHON_IMAGE=registry.example/python:3.12-slim.
ARG PYTHON_IMAGE=python:3.12-slim

FROM ${PYTHON_IMAGE} AS build
# How pip finds packages where the network wants it otherwise; what is handed in stays in this stage.
# Without a network: `pip download --require-hashes -r requirements.lock -r deploy/measuring.lock -r deploy/build.lock
# -d wheelhouse` beforehand, then --build-arg PIP_NO_INDEX=1.
ARG PIP_INDEX_URL
ARG PIP_CERT
ARG PIP_NO_INDEX
ARG PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements.lock deploy/measuring.lock deploy/build.lock wheelhouse* wheelhouse/
# DuckDB comes with it, so that experiments can be measured; it is loaded at the first look at one, never before.
# Wheels only: this stage has no compiler either. The libraries' own test suites stay outside, but for pip's: file by
# file it goes into the sandbox's base image.
RUN python3 -m venv --without-pip /opt/trackwalker \
    && python3 -m pip --python /opt/trackwalker/bin/python install --no-cache-dir --only-binary :all: \
        --find-links wheelhouse --require-hashes -r wheelhouse/requirements.lock -r wheelhouse/measuring.lock \
    && find /opt/trackwalker/lib -type d -name tests -not -path '*/pip/*' -prune -exec rm -r {} +
RUN python3 -m venv --without-pip tools \
    && python3 -m pip --python tools/bin/python install --no-cache-dir --only-binary :all: \
        --find-links wheelhouse --require-hashes -r wheelhouse/build.lock
COPY . tree/
RUN cd tree && ../tools/bin/hatchling build -t wheel -d ../dist \
    && python3 -m pip --python /opt/trackwalker/bin/python install --no-cache-dir --no-index --no-deps ../dist/*.whl

FROM ${PYTHON_IMAGE}
# git for the mirrors and reverts; ps because GitPython ends a stalled git's children with it.
RUN if ! { command -v git && command -v ps && test -s /etc/ssl/certs/ca-certificates.crt; } >/dev/null; then \
        apt-get update && apt-get install -y --no-install-recommends ca-certificates git procps \
        && apt-get clean && rm -rf /var/lib/apt/lists/*; \
    fi
# A number that no distribution gives away, so that a volume's owner is the same on every machine.
RUN echo 'trackwalker:x:10001:' >>/etc/group \
    && echo 'trackwalker:x:10001:10001::/var/lib/trackwalker:/usr/sbin/nologin' >>/etc/passwd \
    && mkdir -p /etc/trackwalker /var/lib/trackwalker \
    && chown 10001:10001 /var/lib/trackwalker
COPY --from=build /opt/trackwalker /opt/trackwalker

ARG PYTHON_IMAGE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="trackwalker" \
      org.opencontainers.image.description="An autonomous monitoring daemon that answers anomalies with proved, reviewable pull requests." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"

# The root file system may be read-only: /var/lib/trackwalker holds what lasts (the store, the mirrors), /tmp what does
# not. TRACKWALKER_HEALTHZ follows api.listen where that has another port.
ENV PATH=/opt/trackwalker/bin:${PATH} \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONUNBUFFERED=1 \
    TRACKWALKER_HEALTHZ=http://127.0.0.1:8040/healthz
USER 10001:10001
WORKDIR /var/lib/trackwalker
VOLUME /var/lib/trackwalker
EXPOSE 8040
STOPSIGNAL SIGTERM
# Straight to the daemon, whatever proxy the environment names; any status but 2xx raises.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-I", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open(os.environ['TRACKWALKER_HEALTHZ'], timeout=4)"]
ENTRYPOINT ["trackwalker"]
CMD ["run", "--config", "/etc/trackwalker/trackwalker.yaml"]
