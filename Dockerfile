# The daemon as an image. Its sandbox is the Docker engine that DOCKER_HOST names: give it one of its own, not the host's.
FROM python:3.12-slim

# git for the mirrors and reverts; procps because GitPython ends a stalled git's children with it.
RUN apt-get update && apt-get install -y --no-install-recommends git procps && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/trackwalker
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY cases cases
COPY inference inference
COPY config config
COPY signals signals
COPY detectors detectors
COPY remediation remediation
COPY sandbox sandbox
COPY daemon daemon
COPY demo demo
RUN pip install --no-cache-dir --no-deps .

RUN useradd --create-home --uid 10001 trackwalker && mkdir /data && chown trackwalker /data
USER trackwalker
# /data holds trackwalker.yaml, the ledger and the mirrors.
WORKDIR /data
VOLUME /data
ENV MPLCONFIGDIR=/tmp/matplotlib
ENTRYPOINT ["trackwalker"]
CMD ["run"]
