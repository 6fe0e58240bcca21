"""What a model found wrong → findings with the place of the key or value, in the words of an operator."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from slawatch.config.document import Document
from slawatch.domain.terms_reading import Path

MOST_COMPARED = 500
"""Names among which a similar one is looked for: a mistake that a script repeats 5,000 times is told in time."""

_OF_KEY = "[key]"
"""The last step of a place where a mapping's key is wrong, not its value."""
_SENTENCES = {
    "string_type": "expected a text: write it in quotes",
    "int_type": "expected a whole number",
    "bool_type": "expected true or false",
    "list_type": "expected a list",
    "tuple_type": "expected a list",
    "dict_type": "expected a mapping",
    "model_type": "expected a mapping",
    "greater_than_equal": "expected at least {ge}",
    "less_than_equal": "expected at most {le}",
    "literal_error": "expected {expected}",
    "string_too_long": "expected at most {max_length} characters",
    "string_too_short": "expected at least {min_length} characters",
}


def report_errors(
    document: Document,
    path: Path,
    model: type[BaseModel],
    error: ValidationError,
    *,
    not_yet: Mapping[str, str] | None = None,
    also: Sequence[str] = (),
) -> None:
    """Every error of ``model``, which read the value at ``path``. ``not_yet`` has a sentence for keys that this
    version refuses; ``also`` are keys that stand beside the model's own.
    """
    said: dict[tuple[Path, bool], list[str]] = {}
    for details in error.errors(include_url=False):
        unknown = details["type"] == "extra_forbidden"
        missing = details["type"] == "missing"
        where = _in_tree(document, path, details["loc"], keep_last=missing)
        at_key = unknown or details["loc"][-1:] == (_OF_KEY,)
        if unknown:
            sentence = (not_yet or {}).get(str(details["loc"][-1])) or _unknown(model, details["loc"], also)
        elif missing:
            sentence = f"missing: expected {_description(model, details['loc'])}"
        else:
            sentence = _sentence(details)
        sentences = said.setdefault((where, at_key), [])
        if sentence not in sentences:
            sentences.append(sentence)
    for (where, at_key), sentences in said.items():
        document.report(where, _joined(sentences), at_key=at_key)


def suggestion(name: str, known: Collection[str], *, without: str = "") -> str:
    """``did you mean router?``, or what there is; ``without`` is a name that cannot be meant."""
    if len(known) > MOST_COMPARED:
        return f"expected one of the {len(known)} that there are"
    listed = sorted(item for item in known if item != without)
    near = get_close_matches(name, listed, n=1)
    if near:
        return f"did you mean {near[0]}?"
    if not listed:
        return "there is none"
    shown = ", ".join(listed[:30]) + (", …" if len(listed) > 30 else "")
    return f"expected {'one of ' if len(listed) > 1 else ''}{shown}"


def _in_tree(document: Document, path: Path, loc: tuple[int | str, ...], *, keep_last: bool) -> Path:
    """The path in the file: steps of ``loc`` that only say how a value was read have no node and go."""
    for number, step in enumerate(loc):
        further = (*path, step)
        if len(document.known(further)) == len(further) or (keep_last and number == len(loc) - 1):
            path = further
    return path


def _sentence(details: ErrorDetails) -> str:
    if details["input"] is None:
        return "has no value: give it one, or leave the key out"
    context: dict[str, Any] = details.get("ctx") or {}
    if details["type"] == "value_error":
        return str(context["error"])
    template = _SENTENCES.get(details["type"])
    if template is None:
        return details["msg"].replace("Input should be", "expected").replace("Input should", "expected to")
    return template.format(**context)


def _joined(sentences: Sequence[str]) -> str:
    if len(sentences) > 1 and all(sentence.startswith("expected ") for sentence in sentences):
        return "expected " + ", or ".join(sentence.removeprefix("expected ") for sentence in sentences)
    return "; or ".join(sentences)


def _unknown(model: type[BaseModel], loc: tuple[int | str, ...], also: Sequence[str]) -> str:
    inner = _model_at(model, loc[:-1])
    names = [*_keys(inner), *(also if len(loc) == 1 else ())] if inner else []
    return f"unknown key: {suggestion(str(loc[-1]), names)}" if names else "unknown key"


def _description(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    inner = _model_at(model, loc[:-1])
    field = _keys(inner).get(str(loc[-1])) if inner else None
    text = (inner.model_fields[field].description or "") if inner and field else ""
    sentence = text.partition(". ")[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:] if sentence[:1].isalpha() else sentence or "a value"


def _keys(model: type[BaseModel]) -> dict[str, str]:
    """Field by the key that stands in the file."""
    return {field.alias or name: name for name, field in model.model_fields.items()}


def _model_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    current: type[BaseModel] | None = model
    for step in loc:
        if current is None or not isinstance(step, str):
            continue
        field = _keys(current).get(step)
        if field is not None:
            current = _model_in(current.model_fields[field].annotation)
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
