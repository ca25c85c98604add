"""A flag taken out of the code: what is left, what only a human can do, and that the code does what it did."""

import io
import tarfile
from collections.abc import Mapping

import pytest
from pydantic import JsonValue

from remediation.experiments.settled import Settled, settled, settled_tree
from remediation.values.refused import NotEditable
from tests.remediation.experiments.settling import EVENT, FLAG, REFUSED, TAKEN


def out(source: str, value: JsonValue) -> str:
    return settled(source.encode(), "code.py", flag=FLAG, value=value, event=EVENT).decode()


@pytest.mark.parametrize(("name", "value", "before", "after"), TAKEN, ids=[name for name, *_ in TAKEN])
def test_the_flag_is_taken_out(name: str, value: JsonValue, before: str, after: str) -> None:
    assert out(before, value) == after, name
    assert out(after, value) == after


@pytest.mark.parametrize(("name", "value", "before", "says"), REFUSED, ids=[name for name, *_ in REFUSED])
def test_a_human_takes_it_out(name: str, value: JsonValue, before: str, says: str) -> None:
    with pytest.raises(NotEditable) as refused:
        out(before, value)
    assert says in str(refused.value), name


def tree(files: Mapping[str, str]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o755 if text.startswith("#!") else 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    return held.getvalue()


def settled_in(files: Mapping[str, str]) -> Settled:
    return settled_tree(tree(files), flag=FLAG, value="Pay now", event=EVENT)


ASKS = """\
from shop.flags import exposure, flags


def label(user):
    exposure("checkout_button", user)
    return flags.get("checkout_button", "Pay")
"""
ANSWERS = 'def label(user):\n    return "Pay now"\n'
JSON = '{"flags": {"checkout_button": {}}}'


def test_every_file_that_mentions_it_is_edited() -> None:
    found = settled_in(
        {
            "shop/page.py": ASKS,
            "bin/page": "#!/bin/sh\necho 1\n",
            "shop/other.py": '"""Of the "checkout_button" flag."""\nother = 1  # as "checkout_button" was\n',
            "config/flags.json": JSON,
            "docs/flags.md": "`checkout_button`",
            "tests/test_page.py": 'def test_it():\n    flags.set("checkout_button", "Pay now")\n',
        }
    )
    assert [(edit.path, edit.content, edit.executable) for edit in found.edits] == [
        ("shop/page.py", ANSWERS.encode(), False)
    ]
    assert found.tests == ("tests/test_page.py",)


def test_nothing_is_edited_where_nothing_mentions_it() -> None:
    assert settled_in({"shop/page.py": ANSWERS, "config/flags.json": JSON}) == Settled(edits=(), tests=())


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("web/pay.ts", '\n\nconst label = flags.get("checkout_button", "Pay");\n', "web/pay.ts:3 asks the flag"),
        ("web/pay.js", "if (isOn(`checkout_button`)) pay()\n", "web/pay.js:1 asks the flag"),
        ("web/pay.jsx", "const { checkoutButton } = useFlags()\n", "web/pay.jsx:1 asks the flag"),
        ("web/pay.js", "const it = flags.checkout_button\n", "web/pay.js:1 asks the flag"),
        ("app/pay.rb", "Flipper.enabled?(:checkout_button)\n", "app/pay.rb:1 asks the flag"),
        ("shop/pay.html", "<p>\n{% flag checkout_button %}", "shop/pay.html:2 asks the flag"),
        ("shop/pay.go", 'tell(`exposure("checkout_button"`)', "shop/pay.go:1 asks the flag"),
        ("bin/pay", '#!/usr/bin/env python3\nflags.get("checkout_button")\n', "bin/pay:2 asks the flag"),
        ("shop/pay.py", 'x = ask("checkout_button")\n', "shop/pay.py:1 gives the flag's key to ask"),
    ],
)
def test_one_mention_that_a_human_takes_out_refuses_the_whole(path: str, text: str, says: str) -> None:
    with pytest.raises(NotEditable, match=says):
        settled_in({"shop/page.py": ASKS, path: text})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("web/pay.js", "const checkoutButton = document.getElementById('checkout_button2')\n"),
        ("web/pay.ts", "const checkout_button = 1; f(my_checkout_button, 'my.checkout_button-2')\n"),
    ],
)
def test_other_words_are_no_mention(path: str, text: str) -> None:
    assert [edit.path for edit in settled_in({"shop/page.py": ASKS, path: text}).edits] == ["shop/page.py"]


def test_each_place_that_refuses_is_named_up_to_a_few() -> None:
    files = {f"web/{letter}.js": 'flags.get("checkout_button")' for letter in "abcde"}
    with pytest.raises(NotEditable, match=r"web/a\.js:1 .*web/b\.js:1 .*web/c\.js:1 .*; and 2 more files"):
        settled_in(files)


def test_what_tells_and_is_not_asked_is_a_humans() -> None:
    with pytest.raises(NotEditable, match=r"page\.py tells who saw the flag, and nothing is seen that asks it"):
        settled_in({"page.py": 'exposure("checkout_button", user)\n'})


def test_an_import_that_another_file_takes_from_there_stays() -> None:
    kept = ASKS.partition("\n")[0]
    for other in (
        "from shop.page import flags\n",
        "from .page import (\n    label,\n    flags,\n)\n",
        "from shop import page\npage.flags.x()\n",
        'def test_it(monkeypatch):\n    monkeypatch.setattr(page, "flags", None)\n',
        'patch("shop.page.flags")\n',
    ):
        edits = settled_in({"shop/page.py": ASKS, "other.py": other}).edits
        assert [edit.content for edit in edits] == [f"{kept.replace('exposure, ', '')}\n\n\n{ANSWERS}".encode()], other
    edits = settled_in({"shop/__init__.py": ASKS}).edits
    assert [edit.content for edit in edits] == [f"{kept}\n\n\n{ANSWERS}".encode()]


def test_a_constant_that_another_file_takes_is_a_humans() -> None:
    with pytest.raises(NotEditable, match=r"keys\.py:1 names the flag KEY"):
        settled_in(
            {
                "keys.py": 'KEY = "checkout_button"\nv = flags.get(KEY)\n',
                "use.py": "from keys import KEY\nflags.get(KEY)\n",
            }
        )


def test_a_tree_that_is_none_is_refused() -> None:
    with pytest.raises(NotEditable, match="cannot be read"):
        settled_tree(b"no tar", flag=FLAG, value=True, event=EVENT)
