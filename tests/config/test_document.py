"""YAML is read as it looks, with places; what other programs would read differently is refused."""

from __future__ import annotations

import pytest

from slawatch.config.document import DEEPEST, parse


def _lines(text: str) -> list[str]:
    return [str(finding) for finding in sorted(parse(text, "f").findings)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0.1", "0.1"),
        ("99.950%", "99.950%"),
        ("1e3", "1e3"),
        ("1200.00 EUR", "1200.00 EUR"),
        ("2026-01-05", "2026-01-05"),
        ("2026-02-01 22:00", "2026-02-01 22:00"),
        ("2026-02-01T22:00:00Z", "2026-02-01T22:00:00Z"),
        ("08:00-18:00", "08:00-18:00"),
        ("08:00", "08:00"),
        ("192.0.2.1", "192.0.2.1"),
        ("127.0.0.1:9797", "127.0.0.1:9797"),
        (".inf", ".inf"),
        ("'1:30'", "1:30"),
        ('"no"', "no"),
        ("'012'", "012"),
        ("'true'", "true"),
        ('"5"', "5"),
        ("'null'", "null"),
        ("''", ""),
        ("5", 5),
        ("-5", -5),
        ("0", 0),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("|\n  two\n  lines", "two\nlines"),
    ],
)
def test_a_value_is_what_it_looks_like(written: str, read: object) -> None:
    """S1: a decimal number stays its text, exactly; a date is no date yet; only true, false and integers are typed."""
    document = parse(f"key: {written}", "f")
    value = document.root.plain()
    assert document.findings == []
    assert value == {"key": read}
    assert type(value["key"]) is type(read)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("1:30", 'YAML reads an unquoted 1:30 as a number in base 60: write "1:30" in quotes'),
        ("22:00", 'YAML reads an unquoted 22:00 as a number in base 60: write "22:00" in quotes'),
        ("1:30:00.5", 'YAML reads an unquoted 1:30:00.5 as a number in base 60: write "1:30:00.5" in quotes'),
        ("no", 'YAML reads an unquoted no as false: write false, or "no" in quotes for the text'),
        ("Off", 'YAML reads an unquoted Off as false: write false, or "Off" in quotes for the text'),
        ("yes", 'YAML reads an unquoted yes as true: write true, or "yes" in quotes for the text'),
        ("ON", 'YAML reads an unquoted ON as true: write true, or "ON" in quotes for the text'),
        ("True", 'YAML reads an unquoted True as true: write true, or "True" in quotes for the text'),
        ("012", 'YAML programs read an unquoted 012 differently: write a plain decimal number, or "012"'),
        ("0o14", 'YAML programs read an unquoted 0o14 differently: write a plain decimal number, or "0o14"'),
        ("0x1F", 'YAML programs read an unquoted 0x1F differently: write a plain decimal number, or "0x1F"'),
        ("1_000", 'YAML programs read an unquoted 1_000 differently: write a plain decimal number, or "1_000"'),
        ("+5", 'YAML programs read an unquoted +5 differently: write a plain decimal number, or "+5"'),
        ("!!str 5", "the tag tag:yaml.org,2002:str is not read here: expected a plain value"),
        ("!secret x", "the tag !secret is not read here: expected a plain value"),
    ],
)
def test_a_trap_is_told_with_the_way_out(written: str, told: str) -> None:
    """At the value's own place, with its key, wherever it stands."""
    assert _lines(f"key: {written}") == [f"f:1:6: key: {told}"]
    assert _lines(f"a:\n  - b\n  - {{c: {written}}}") == [f"f:3:9: a[1].c: {told}"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: 2\na: 3", "f:3:1: a: given twice, first on line 1: expected once"),
        ("x: {y: 1, y: 2}", "f:1:11: x.y: given twice, first on line 1: expected once"),
        ("on: 1", 'f:1:1: on: YAML reads an unquoted on as no text: write "on" in quotes'),
        ("x: {<<: {a: 1}}", "f:1:5: x.<<: '<<' merges mappings: write the keys out"),
        ("[a]: 1", "f:1:1: file: a list or mapping as a key: expected a name"),
        ("a: 1\n---\nb: 2", "f:2:1: file: a second document begins: expected one in each file"),
        ("a: *b", "f:1:4: file: *b stands for nothing here: expected an anchor before it"),
        ("a: &a [*a]", "f:1:8: file: *a stands for nothing here: expected an anchor before it"),
        ("a: [1", "f:2:1: file: no YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
        ("a: b: c", "f:1:5: file: no YAML: mapping values are not allowed in this context"),
        ("\tb: 1", "f:1:1: file: no YAML: while scanning for the next token, found character that cannot start"),
        ("a: x\nb: \x07", "f:2:4: file: control characters are not allowed: expected printable text"),
    ],
)
def test_what_is_no_configuration_is_told_with_its_place(text: str, told: str) -> None:
    """Syntax errors, duplicate keys, merges and aliases to nothing."""
    [line] = _lines(text)
    assert line.startswith(told)


def test_a_trap_never_repeats_a_secret() -> None:
    """Not even one that stands where it should not."""
    [line] = _lines("auth: {password: 0471100}")
    assert line == "f:1:18: auth.password: expected a secret, as {env: NAME}"


def test_an_anchor_is_read_like_its_value() -> None:
    """A plain alias is fine: it saves writing."""
    document = parse("a: &x {b: [1]}\nc: *x", "f")
    assert document.root.plain() == {"a": {"b": [1]}, "c": {"b": [1]}}
    assert document.findings == []


def test_aliases_that_blow_up_are_refused() -> None:
    """Ten lines that stand for a billion values end as one finding."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    [line] = _lines("\n".join(lines))
    assert "more than 500000 values" in line


def test_depth_is_bounded() -> None:
    """A text of a hundred thousand brackets is refused at once."""
    [line] = _lines("a: " + "[" * 100_000)
    assert line == f"f:1:{DEEPEST + 3}: file: nested more than {DEEPEST} deep"


def test_every_trap_of_a_file_is_told() -> None:
    """One does not hide another, and what is wrong twice is told twice."""
    assert [line.split(": ")[1] for line in _lines("a: no\nb: {c: 1:30, d: [yes, 012]}\na: 1")] == [
        "a",
        "b.c",
        "b.d[0]",
        "b.d[1]",
        "a",
    ]
