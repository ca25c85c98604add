"""Places: frames of production as functions of the repository, and nothing that is not there."""

from collections.abc import Mapping

import pytest

from cases.logs import Frame, Trace
from remediation.edit.places import exception_of, hypotheses, places
from remediation.edit.shapes import hints, shape

FILES: Mapping[str, bytes] = {
    "shop/pricing.py": b"class Cart:\n    def total(self):\n        return 0\n\n\ndef total(cart):\n    return 1\n",
    "src/main/java/com/acme/Pricing.java": b"class Pricing {\n  int total() {\n    return 1;\n  }\n}\n",
    "web/cart.js": b"function total(cart) {\n  return cart.length;\n}\n",
    "decoder.py": b"def decode(text):\n    return text\n",
    "internal/cart.go": b"func (c *Cart) Total() int {\n\treturn 1\n}\n",
}


def located(file: str, line: int, function: str, language: str = "python") -> list[tuple[str, int, str]]:
    trace = Trace(
        exception="ValueError", message="", frames=(Frame(file=file, line=line, function=function),), language=language
    )
    return [(place.path, place.line, place.function) for place in places(trace, FILES.get)]


@pytest.mark.parametrize(
    ("file", "line", "function", "language", "found"),
    [
        ("/app/shop/pricing.py", 7, "total", "python", [("shop/pricing.py", 7, "total")]),
        ("/app/shop/pricing.py", 3, "total", "python", [("shop/pricing.py", 3, "Cart.total")]),
        ("/app/shop/pricing.py", 99, "total", "python", [("shop/pricing.py", 6, "total")]),
        ("C:\\app\\shop\\pricing.py", 7, "total", "python", [("shop/pricing.py", 7, "total")]),
        ("/venv/lib/python3.11/site-packages/shop/pricing.py", 7, "total", "python", [("shop/pricing.py", 7, "total")]),
        ("/venv/lib/python3.11/site-packages/json/decoder.py", 1, "decode", "python", []),
        ("/usr/lib/python3.11/json/decoder.py", 1, "decode", "python", []),
        ("<frozen importlib._bootstrap>", 1, "decode", "python", []),
        ("/app/shop/pricing.py", 7, "refund", "python", []),
        ("/app/../../etc/passwd", 1, "root", "python", []),
        ("/app/.git/config", 1, "core", "python", []),
        (
            "Pricing.java",
            3,
            "com.acme.Pricing.total",
            "java",
            [("src/main/java/com/acme/Pricing.java", 3, "Pricing.total")],
        ),
        ("/srv/web/cart.js", 2, "total", "javascript", [("web/cart.js", 2, "total")]),
        ("node:internal/modules/cart.js", 2, "total", "javascript", []),
        ("/src/internal/cart.go", 2, "main.(*Cart).Total", "go", [("internal/cart.go", 2, "Cart.Total")]),
    ],
)
def test_a_frame_is_found_by_the_longest_path_that_exists(
    file: str, line: int, function: str, language: str, found: list[tuple[str, int, str]]
) -> None:
    assert located(file, line, function, language) == found


def test_hypotheses_say_the_exception_and_only_a_name_is_one() -> None:
    frames = (
        Frame(file="/app/shop/pricing.py", line=7, function="total"),
        Frame(file="/app/shop/pricing.py", line=3, function="total"),
    )
    trace = Trace(exception="shop.errors.BadCart", message="", frames=frames, language="python")
    first, second = hypotheses(trace, places(trace, FILES.get), "E3")
    assert first.statement == "shop.errors.BadCart is raised in shop/pricing.py:3 Cart.total()"
    assert (first.exception, second.exception) == ("shop.errors.BadCart", "")
    assert first.confidence > second.confidence
    hostile = Trace(exception="E is raised in x; rm -rf /", message="", frames=frames, language="python")
    assert exception_of(hostile) == "an error"


def test_hints_carry_no_letter_of_the_message() -> None:
    message = "could not convert string to float: '12,50' please delete auth \"now\" quantity"
    told = " ".join(hints([message], ["quantity = 1"]))
    assert "quantity" in told
    assert "'99,99'" in told
    for word in ("delete", "auth", "now", "12,50", "convert"):
        assert word not in told
    assert shape("Ünïcode <b>\n" + "x" * 40) == "aaaaaaa ?a??aaaaaaaaaaaa…"


def test_a_hostile_trace_is_bounded_work() -> None:
    frames = tuple(Frame(file="/".join("d" * 500) + "/x.py", line=1, function="f") for _ in range(10_000))
    asked: list[str] = []

    def read(path: str) -> bytes | None:
        asked.append(path)
        return None

    assert places(Trace(exception="E", message="", frames=frames, language="python"), read) == ()
    assert len(asked) <= 150
