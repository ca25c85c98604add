"""One real Prometheus for all kinds of metric markers."""

from collections.abc import Iterator

import pytest

from signals.prometheus import PrometheusSource
from tests.parts.prometheus import exposition, running_prometheus
from tests.parts.scrapes import START

OLD, NEW = "a" * 40, "b" * 40
DIGEST = f"sha256:{'0' * 64}"

Labels = tuple[tuple[str, str], ...]


def _runs(first: int, last: int) -> list[tuple[float, float]]:
    return [(START.timestamp() + s, 1.0) for s in range(first, last, 15)]


def _pod(name: str, container: str, tag: str, namespace: str = "prod") -> Labels:
    image = f"registry.example:5000/team/{container}:{tag}@{DIGEST}"
    return (("namespace", namespace), ("pod", name), ("container", container), ("image", image))


@pytest.fixture(scope="package")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusSource]:
    """A service that tells its revision; and two pods of an old image, then, one by one, two of a release."""
    revisions: dict[Labels, list[tuple[float, float]]] = {
        (("service", "shop"), ("revision", OLD)): _runs(-1800, 600),
        (("service", "shop"), ("revision", NEW)): _runs(607, 1800),
    }
    images = {
        _pod("shop-1", "shop", f"sha-{OLD}"): _runs(-1800, 600),
        _pod("shop-2", "shop", f"sha-{OLD}"): _runs(-1800, 900),
        _pod("shop-3", "shop", "v1.4.2"): _runs(607, 1800),
        _pod("shop-4", "shop", "v1.4.2"): _runs(907, 1800),
        _pod("shop-1", "proxy", "latest"): _runs(-1800, 1800),
        _pod("shop-9", "shop", f"sha-{NEW}", "staging"): _runs(307, 1800),
    }
    text = f"{exposition('build_info', revisions)}\n{exposition('kube_pod_container_info', images)}\n# EOF\n"
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), text) as running:
        source = PrometheusSource("main", url=running.url)
        yield source
        source.close()
