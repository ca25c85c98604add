"""What one setting says of another: names that must exist, names that must be told apart, lengths that must fit."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from ipaddress import ip_address
from itertools import chain
from urllib.parse import urlsplit

from cases.errors import PermanentError
from config import asked, connected, experimenting, providers, segmenting, setups, tuned, windows
from config.document import Loc
from config.settings import (
    BuildInfoSettings,
    CatalogMetricSettings,
    HttpSettings,
    ImportWatchSettings,
    Settings,
    WatchSettings,
    WebhookSettings,
)
from config.wording import Said, closest, key

Found = Iterator[tuple[Loc, Said]]


def check(settings: Settings) -> list[tuple[Loc, Said]]:
    """Everything that does not fit together: where it is written, what is wrong, what would be right."""
    return [found for rule in _RULES for found in rule(settings)]


def _doubles(settings: Settings) -> Found:
    """Entries that could not be told apart."""
    kinds = _named(settings)
    for kind, names in kinds.items():
        yield from _double(("signals", kind), names)
    taken: set[str] = set()
    for kind, names in kinds.items():
        for place, name in enumerate(names):
            if name in taken:
                said = (f"{name} is the name of another source already", "rename one of the two")
                yield ("signals", kind, place, "name"), said
        taken.update(names)
    seen: dict[str, int] = {}
    for place, watch in enumerate(settings.watch):
        if isinstance(watch, ImportWatchSettings):
            continue
        name = f"{watch.service}/{watch.name}" if isinstance(watch, WatchSettings) else f"by {watch.by}/{watch.name}"
        if name in seen:
            said = (f"{name} is {key(('watch', seen[name]))} already", "rename one of the two")
            yield ("watch", place, "name"), said
        seen.setdefault(name, place)
    yield from _double(("services",), [service.name for service in settings.services])
    yield from _double(("repositories",), [repository.name for repository in settings.repositories])
    yield from _double(("alerts", "receivers"), [receiver.name for receiver in settings.alerts.receivers])


def _double(loc: Loc, names: Sequence[str]) -> Found:
    for place, name in enumerate(names):
        if name in names[:place]:
            yield (
                (*loc, place, "name"),
                (f"{name} is {key((*loc, names.index(name)))} already", "rename one of the two"),
            )


def _companions(settings: Settings) -> Found:
    """Companions of one repository share a network: each has a name and a port of its own."""
    for place, repository in enumerate(settings.repositories):
        loc: Loc = ("repositories", place, "sandbox", "companions")
        beside = repository.sandbox.beside
        yield from _double(loc, [companion.name for companion in beside])
        ports = [companion.port for companion in beside]
        for which, port in enumerate(ports):
            if port is not None and port in ports[:which]:
                said = (f"port {port} is taken by {key((*loc, ports.index(port)))}", "let one of them listen elsewhere")
                yield (*loc, which, "port"), said
        if beside and settings.sandbox.runtime == "runsc":
            said = ("runsc gives each container a network of its own", "leave it out, or write runtime: docker")
            yield loc, said


def _named(settings: Settings) -> dict[str, list[str]]:
    """The names of the sources of each kind that a watch may name."""
    signals = settings.signals
    return {
        "prometheus": [source.name for source in signals.prometheus],
        "loki": [source.name for source in signals.loki],
        "sql": [source.name for source in signals.sql],
        **{kind: [source.name for source in sources] for kind, sources in signals.analytics.items()},
    }


def _sources(settings: Settings) -> Found:
    """Watches and deploy markers name a source that exists and can answer, and name one where there are several."""
    kinds = _named(settings)
    metrics = kinds["prometheus"]
    readers: list[tuple[Loc, str | None, list[str]]] = []
    for place, watch in enumerate(settings.watch):
        known = [*chain.from_iterable(kinds.values())] if isinstance(watch, WatchSettings) else metrics
        readers.append((("watch", place), watch.source, known))
    for place, marker in enumerate(settings.deploys):
        if isinstance(marker, BuildInfoSettings):
            readers.append((("deploys", place), marker.source, metrics))
    for place, origin in enumerate(settings.catalog.from_):
        if isinstance(origin, CatalogMetricSettings):
            readers.append((("catalog", "from", place), origin.source, metrics))
    for place, loop in enumerate(settings.judgement.brake.crash_loops):
        readers.append((("judgement", "brake", "crash_loops", place), loop.source, metrics))
    for loc, source, known in readers:
        if source is None and len(metrics) > 1:
            yield (*loc, "source"), (f"there are several sources ({', '.join(metrics)})", "add source: and one of them")
        elif source is not None and source not in known:
            yield (*loc, "source"), (f"there is no source named {source}", closest(source, known))


def _queries(settings: Settings) -> Found:
    """A watch has a query; one of a database, or of product analytics, has it there."""
    kinds = {name: kind for kind, names in _named(settings).items() for name in names}
    own = {source.name for source in settings.signals.seldom}
    for place, watch in enumerate(settings.watch):
        if not isinstance(watch, WatchSettings):
            continue
        if watch.slo is not None:
            yield from _slo(("watch", place), watch, own | {source.name for source in settings.signals.loki})
        elif watch.source in own and watch.query is not None:
            hint = f"remove one of the two: signals.{kinds[watch.source]} has it"
            yield ("watch", place, "query"), (f"{watch.source} has its query already", hint)
        elif watch.source not in own and watch.query is None:
            yield ("watch", place, "query"), ("is missing", "add it: the query, in the source's own language")


def _slo(loc: Loc, watch: WatchSettings, others: Collection[str]) -> Found:
    """An objective says by itself what is asked, what is harm and where it begins, and asks a Prometheus."""
    for name in ("query", "threshold", "harm", "detector", "limit", "requested", "traffic"):
        if name in watch.model_fields_set:
            yield (*loc, name), ("an objective has its own", f"remove one of the two: {name} or slo")
    if watch.source in others:
        yield (*loc, "source"), (f"{watch.source} is no Prometheus", "name one: slo.good and slo.total are PromQL")


def _services(settings: Settings) -> Found:
    """Services name repositories that exist, and every watched service comes to one."""
    repositories = [repository.name for repository in settings.repositories]
    watched = {place: watch.service for place, watch in enumerate(settings.watch) if isinstance(watch, WatchSettings)}
    found_later = len(watched) < len(settings.watch)
    known = {service.name for service in settings.services} | set(watched.values())
    for place, service in enumerate(settings.services):
        loc: Loc = ("services", place)
        if service.repository not in repositories:
            problem = f"there is no repository named {service.repository}"
            yield (*loc, "repository"), (problem, closest(service.repository, repositories))
        for position, name in enumerate(service.depends):
            if name not in known and not found_later:
                yield (*loc, "depends", position), (f"there is no service named {name}", closest(name, sorted(known)))
        if service.config is not None and service.config.repository not in repositories:
            problem = f"there is no repository named {service.config.repository}"
            yield (*loc, "config", "repository"), (problem, closest(service.config.repository, repositories))
    for place, name in watched.items():
        if not _has_repository(settings, name):
            problem = f"no repository is known for the service {name}"
            hint = f"add services: [{{name: {name}, repository: {repositories[0]}}}], with the right one"
            yield ("watch", place, "service"), (problem, hint)


def _has_repository(settings: Settings, service: str) -> bool:
    try:
        settings.service(service)
    except PermanentError:
        return False
    return True


def _thresholds(settings: Settings) -> Found:
    """A threshold is there exactly where it is used, and has a side."""
    for place, watch in enumerate(settings.watch):
        loc: Loc = ("watch", place)
        if isinstance(watch, ImportWatchSettings):
            continue
        if watch.detector == "threshold" and watch.threshold is None:
            yield (*loc, "threshold"), ("is missing, and detector: threshold needs it", "add it, in the query's unit")
        if watch.detector == "seasonal" and watch.threshold is not None:
            yield (*loc, "threshold"), ("detector: seasonal never reads a threshold", "remove one of the two")
        if watch.threshold is not None and watch.harm is None:
            yield (*loc, "harm"), ("is missing, and a threshold has a side", "add harm: up or harm: down")


def _limits(settings: Settings) -> Found:
    """A limit has a side, its query a Prometheus, and nothing is looked for ahead without one."""
    kinds = _named(settings)
    others = set(chain.from_iterable(kinds.values())) - set(kinds["prometheus"])
    for place, watch in enumerate(settings.watch):
        loc: Loc = ("watch", place)
        if isinstance(watch, ImportWatchSettings) or (isinstance(watch, WatchSettings) and watch.slo is not None):
            continue
        if watch.limit is not None and watch.harm is None:
            yield (*loc, "harm"), ("is missing, and a limit has a side", "add harm: up or harm: down")
        if watch.limit is None and "within" in watch.model_fields_set:
            yield (*loc, "within"), ("is of no use without a limit", "add limit, or remove it")
        for name, value in (("limit", watch.limit), ("requested", watch.requested)):
            if isinstance(value, str) and watch.source in others:
                yield (*loc, name), (f"{watch.source} is no Prometheus and takes no query here", "write a number")
        if isinstance(watch.traffic, str) and watch.source in others:
            problem = f"{watch.source} is no Prometheus and takes no query here"
            yield (*loc, "traffic"), (problem, "write traffic: true at the watch that counts requests")


def _hosts(settings: Settings) -> Found:
    """The forge's token is sent to the git hosts too: each must be the forge's own (api.github.com's is github.com)."""
    forge = urlsplit(settings.forge.api_url).netloc
    own = {forge, forge.removeprefix("api.")}
    for place, repository in enumerate(settings.repositories):
        host = urlsplit(repository.url).netloc
        if host not in own:
            hint = f"give the address on {forge.removeprefix('api.')}, or set forge.api_url to {host}'s API"
            yield ("repositories", place, "url"), (f"{host} is not the forge's host, and would get its token", hint)


def _identity(settings: Settings) -> Found:
    """The forge knows us one way. An installation of an App is at one owner."""
    forge = settings.forge
    if (forge.token is None) == (forge.app is None):
        yield ("forge",), ("needs one of token and app", "write token: env:GITHUB_TOKEN, or app: with its three keys")
    if forge.app is not None:
        first = settings.repositories[0].full_name.partition("/")[0]
        for place, repository in enumerate(settings.repositories):
            if repository.full_name.partition("/")[0].casefold() != first.casefold():
                said = (f"is not {first}'s, where forge.app.installation is", "run another daemon for that owner")
                yield ("repositories", place, "full_name"), said


def _lengths(settings: Settings) -> Found:
    """Stretches of time that must fit into each other."""
    detection, judgement = settings.detection, settings.judgement
    fits: Sequence[tuple[bool, Loc, Said]] = (
        (
            detection.warm_up <= detection.history,
            ("detection", "warm_up"),
            ("is longer than detection.history: no signal would ever be warm", "make it shorter"),
        ),
        (
            detection.confirm * detection.step <= detection.recent,
            ("detection", "recent"),
            ("is too short for detection.confirm points of detection.step", "make it longer"),
        ),
        (
            judgement.warm_up < judgement.act_within,
            ("judgement", "warm_up"),
            ("is not shorter than judgement.act_within: harm would never be acted on", "make it shorter"),
        ),
        (
            judgement.act_within <= judgement.window,
            ("judgement", "act_within"),
            ("is longer than judgement.window", "make it shorter"),
        ),
    )
    yield from ((loc, said) for fit, loc, said in fits if not fit)


def _alerts(settings: Settings) -> Found:
    """Enriching takes an Alertmanager."""
    if settings.alerts.mode == "enrich" and settings.signals.alertmanager is None:
        said = ("enrich needs an Alertmanager", "add signals.alertmanager, or write mode: direct")
        yield ("alerts", "mode"), said
    link = settings.alerts.alertmanager
    if link.post and not settings.enriches:
        why = "there is none" if settings.signals.alertmanager is None else "mode: direct tells everybody already"
        hint = "add signals.alertmanager" if settings.signals.alertmanager is None else "write mode: enrich"
        yield ("alerts", "alertmanager", "post"), (f"needs an Alertmanager that speaks for us, and {why}", hint)
    if link.secret is not None and not link.receive:
        said = ("proves who sends, and receive is off", "write receive: true, or remove it")
        yield ("alerts", "alertmanager", "secret"), said


def _access(settings: Settings) -> Found:
    """Credentials come one way, and a certificate with its key."""
    signals = settings.signals
    sources: list[tuple[Loc, HttpSettings]] = [
        *((("signals", "prometheus", i), source) for i, source in enumerate(signals.prometheus)),
        *((("signals", "loki", i), source) for i, source in enumerate(signals.loki)),
    ]
    for kind, beside in signals.analytics.items():
        named = enumerate(beside)
        sources += [(("signals", kind, i), source) for i, source in named if isinstance(source, HttpSettings)]
    if signals.alertmanager is not None:
        sources.append((("signals", "alertmanager"), signals.alertmanager))
    for loc, source in sources:
        auth, tls = source.auth, source.tls
        if auth is not None and (auth.bearer is None) == (auth.basic is None):
            yield (*loc, "auth"), ("needs one of bearer and basic", "write one of the two")
        if auth is not None and any(name.lower() == "authorization" for name in source.headers):
            yield (*loc, "headers", "Authorization"), ("auth sends this header already", "remove one of the two")
        if tls is not None and (tls.cert is None) != (tls.key is None):
            missing = "cert" if tls.cert is None else "key"
            yield (*loc, "tls", missing), ("is missing: a certificate and its key go together", "name its file")
        if tls is not None and not source.url.startswith("https://"):
            yield (*loc, "tls"), ("is of no use: the URL does not begin with https://", "correct the URL, or remove it")


def _markers(settings: Settings) -> Found:
    """Deploy markers can be told apart, and what they look for can be found."""
    seen: dict[tuple[str, str], int] = {}
    for place, marker in enumerate(settings.deploys):
        if isinstance(marker, WebhookSettings):
            first = seen.setdefault((marker.webhook, marker.environment), place)
            if first != place:
                said = (f"{key(('deploys', first))} takes these messages already", "remove one, or set `environment`")
                yield ("deploys", place, "webhook"), said
        if isinstance(marker, BuildInfoSettings):
            yield from _expressions(("deploys", place, "match"), marker.match)
            try:
                groups = re.compile(marker.tag).groups
            except re.error:
                hint = "write it as in v[0-9.]+-([0-9a-f]{7,40})"
                yield ("deploys", place, "tag"), ("is no regular expression", hint)
            else:
                if not groups:
                    said = ("has no group: nothing says which part is the commit", "put ( ) around the commit")
                    yield ("deploys", place, "tag"), said


def _expressions(loc: Loc, match: Mapping[str, str]) -> Found:
    for label, expression in match.items():
        try:
            re.compile(expression)
        except re.error:
            yield (*loc, label), ("the value is not a regular expression", 'write it as in "prod|live"')


def _callers(settings: Settings) -> Found:
    """Whoever can reach the daemon from elsewhere proves who they are."""
    host = settings.api.listen.rpartition(":")[0].strip("[]")
    try:
        here = ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    if not here and settings.api.token is None:
        problem = f"is missing, and {host} can be reached from elsewhere"
        yield ("api", "token"), (problem, "write token: env:NAME, or listen on 127.0.0.1")


def _authority(settings: Settings) -> Found:
    """The file of grants is in a repository that is known, and what is merged unasked needs one."""
    wanted, names = settings.authority, [repository.name for repository in settings.repositories]
    if wanted.repository is not None and wanted.repository not in names:
        problem = f"there is no repository named {wanted.repository}"
        yield ("authority", "repository"), (problem, closest(wanted.repository, names))
    if wanted.file is not None and wanted.repository is None and len(names) > 1:
        hint = f"add repository: and one of {', '.join(names)}"
        yield ("authority", "file"), ("there are several repositories, and none is named that has it", hint)
    if wanted.file is None:
        for name in ("repository", "auto_merge"):
            if name in wanted.model_fields_set:
                said = ("nothing is read there without a file of grants", "add file: trust.yaml, or leave it out")
                yield ("authority", name), said


def _vectors(settings: Settings) -> Found:
    """An extension of PostgreSQL needs one."""
    if settings.lessons.vectors == "pgvector" and not settings.store.startswith("postgresql"):
        hint = "write vectors: numpy, or keep the store in a PostgreSQL"
        yield ("lessons", "vectors"), ("pgvector is PostgreSQL's, and the store is a SQLite file", hint)


_RULES: Sequence[Callable[[Settings], Found]] = (
    _doubles,
    _companions,
    _sources,
    _queries,
    _services,
    _thresholds,
    _limits,
    _hosts,
    _identity,
    _lengths,
    _alerts,
    _access,
    _markers,
    _callers,
    _authority,
    _vectors,
    setups.misfits,
    tuned.misfits,
    experimenting.misfits,
    segmenting.misfits,
    windows.misfits,
    providers.misfits,
    asked.misfits,
    connected.misfits,
)
