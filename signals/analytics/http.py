"""Anything that answers JSON over HTTP, as the configuration describes it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast
from urllib.parse import parse_qsl, urlsplit

from cases.errors import PermanentError
from cases.moments import iso
from cases.ports import Clock
from config.analytics import HttpSourceSettings
from signals.analytics.buckets import Span
from signals.analytics.exchange import Exchange, list_of, object_of
from signals.analytics.source import OF, Rows
from signals.reaching import address
from signals.table import TIME, VALUE

_MOST_PAGES = 100


class HttpJson:
    """A `Connector` on an endpoint whose rows are somewhere in its JSON."""

    def __init__(self, settings: HttpSourceSettings, clock: Clock) -> None:
        self._settings = settings
        self._exchange = Exchange(settings, clock)

    @property
    def place(self) -> str:
        """Where it answers."""
        return self._exchange.where

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def rows(self, span: Span) -> Rows:
        """See `Connector`."""
        wanted, rows = self._settings, list[tuple[object, ...]]()
        partial = ""
        for document in self._documents(span):
            found = list_of(_at(document, wanted.rows))
            if found is None:
                raise self._exchange.misshapen(f"there is no list at {wanted.rows or 'its top'}")
            rows += [self._row(row) for row in found]
            if wanted.partial is not None and _at(document, wanted.partial):
                partial = f"the answer says so at {wanted.partial}"
        of = (OF,) if wanted.of is not None else ()
        return Rows(columns=(TIME, VALUE, *of, *wanted.labels), rows=rows, partial=partial)

    def _row(self, row: object) -> tuple[object, ...]:
        wanted = self._settings
        of = () if wanted.of is None else (_number(_at(row, wanted.of)),)
        labels = (_at(row, path) for path in wanted.labels.values())
        return (_at(row, wanted.time), _number(_at(row, wanted.value)), *of, *labels)

    def _documents(self, span: Span) -> Iterator[object]:
        """Every page of the answer."""
        wanted, words = self._settings, _words(span)
        path = _filled(wanted.path or "", words)
        path = path if not path or path.startswith("/") else f"/{path}"
        params = [(_filled(name, words), _filled(text, words)) for name, text in wanted.params.items()]
        body = _told(wanted.body, words)
        for _ in range(_MOST_PAGES):
            asked = self._exchange.get(path, params) if wanted.method == "GET" else None
            document = asked if wanted.method == "GET" else self._exchange.post(path, body, params)
            yield document
            following = _at(document, wanted.pages.at) if wanted.pages is not None else None
            if wanted.pages is None or following is None or following in {"", False}:
                return
            if wanted.pages.param is not None:
                params = [(name, text) for name, text in params if name != wanted.pages.param]
                params.append((wanted.pages.param, str(following)))
            else:
                path, params = self._address(str(following))
        raise PermanentError(
            f"{self._exchange.name}: the answer has more than {_MOST_PAGES} pages; ask for larger ones, or aggregate "
            "there"
        )

    def _address(self, following: str) -> tuple[str, list[tuple[str, str]]]:
        """The path and query of the next page, which our credentials go to only where it is on the same host."""
        base = self._settings.url.rstrip("/")
        parts = urlsplit(following)
        if parts.scheme and address(following) != address(base):
            raise PermanentError(
                f"{self._exchange.name}: the next page is on another host, and would get our credentials"
            )
        prefix = urlsplit(base).path
        if not parts.path.startswith(f"{prefix}/"):
            raise PermanentError(f"{self._exchange.name}: the next page is not below `url`; shorten that")
        return parts.path.removeprefix(prefix), parse_qsl(parts.query, keep_blank_values=True)


def _words(span: Span) -> Mapping[str, str]:
    return {
        "{start}": iso(span.first),
        "{end}": iso(span.end),
        "{start_day}": span.first_day.isoformat(),
        "{last_day}": span.last_day.isoformat(),
        "{start_epoch}": str(round(span.first.timestamp())),
        "{end_epoch}": str(round(span.end.timestamp())),
    }


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def _told(value: object, words: Mapping[str, str]) -> object:
    """A body with the words in its texts filled in."""
    if isinstance(value, str):
        return _filled(value, words)
    if isinstance(value, Mapping):
        return {name: _told(held, words) for name, held in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_told(held, words) for held in cast("Sequence[object]", value)]
    return value


def _at(document: object, path: str | None) -> object:
    """What lies at a path of keys, or of places in lists; None where nothing does."""
    for step in path.split(".") if path else ():
        fields, items = object_of(document), list_of(document)
        if fields is not None:
            document = fields.get(step)
        elif items is not None and step.isdecimal() and int(step) < len(items):
            document = items[int(step)]
        else:
            return None
    return document


def _number(value: object) -> object:
    """A number that is written as text, as some do to keep every digit; anything else as it is."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value  # the table says what is wrong with it
    return value
