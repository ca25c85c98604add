"""Ordinary work on the service: small commits that harm nobody, and what each of them promises to be there."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

VERBS = ("export", "count", "label", "group", "format", "sort", "merge", "check", "round", "split")
THINGS = ("invoice", "address", "voucher", "courier", "refund", "basket", "label", "batch", "report", "season", "tax")
MODULES = ("pricing", "search", "orders", "checkout", "client", "cache", "pool")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """One commit's worth of work. `promises` are (module, name) that later trees must have."""

    title: str
    edits: tuple[tuple[str, str, str], ...]
    promises: tuple[tuple[str, str], ...] = ()


Filler = Callable[[random.Random, str, Mapping[str, str], int], Filled]


def function(choice: random.Random, package: str, tree: Mapping[str, str], number: int) -> Filled:
    """A new function with its test."""
    verb, thing = choice.choice(VERBS), choice.choice(THINGS)
    module, name = choice.choice(MODULES), f"{verb}_{thing}_{number}"
    code = f'\n\ndef {name}({thing}):\n    """The {thing}, {verb}ed."""\n    return [one for one in {thing} if one]\n'
    test = f"from {package}.{module} import {name}\n\n\ndef test_{name}():\n    assert {name}([0, 1]) == [1]\n"
    del tree
    return Filled(
        title=f"{verb.capitalize()} {thing}s in {module}",
        edits=((f"{package}/{module}.py", "", code), (f"tests/test_{name}.py", "", test)),
        promises=((module, name),),
    )


def prose(choice: random.Random, package: str, tree: Mapping[str, str], number: int) -> Filled:
    """A sentence in the README."""
    del package, tree
    thing = choice.choice(THINGS)
    return Filled(
        title=f"Say what a {thing} is", edits=(("README.md", "", f"\nA {thing} is what {number} calls it.\n"),)
    )


def change_note(choice: random.Random, package: str, tree: Mapping[str, str], number: int) -> Filled:
    """A line in the change log."""
    del package, tree
    return Filled(
        title=f"Note release {number}",
        edits=(("CHANGELOG.md", "", f"\n## {number}\n\n- {choice.choice(VERBS).capitalize()}s better.\n"),),
    )


def constant(choice: random.Random, package: str, tree: Mapping[str, str], number: int) -> Filled:
    """A constant of a module of its own, for later work."""
    del tree
    thing = choice.choice(THINGS)
    name = f"{thing.upper()}_{number}"
    module = f"names_{number}"
    return Filled(
        title=f"Name the {thing}s of the new warehouse",
        edits=((f"{package}/{module}.py", "", f'"""Names."""\n\n{name} = ("{thing}", {number})\n'),),
        promises=((module, name),),
    )


TIDY = (
    ("orders", 'order: -order.get("weight", 0))', 'order: order.get("weight", 0), reverse=True)'),
    ("pool", "self._free.pop() if self._free else", "self._free.pop() if len(self._free) else"),
    ("checkout", 'if not order["lines"]:', 'if len(order["lines"]) == 0:'),
    ("client", "Refusals (4xx) are final.", "Refusals (4xx) are final, always."),
    ("cache", "What is remembered, or made now.", "What is remembered, or what is made now."),
    ("pricing", "The sum of a cart.", "The sum of a whole cart."),
)


def tidying(choice: random.Random, package: str, tree: Mapping[str, str], number: int) -> Filled:
    """A line of the service that is written otherwise and does what it did; prose where it was tidied already."""
    module, old, new = choice.choice(TIDY)
    if old not in tree[f"{package}/{module}.py"]:
        return prose(choice, package, tree, number)
    return Filled(title=f"Tidy {module}", edits=((f"{package}/{module}.py", old, new),))


FILLERS: tuple[Filler, ...] = (function, function, function, tidying, prose, change_note, constant)
