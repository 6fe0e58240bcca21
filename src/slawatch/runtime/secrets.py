"""Secrets: named in the configuration, read when needed, never shown.

A configuration says where a secret is, not what it is: ``{file: /path}``, ``{env: NAME}`` or
``{credential: name}`` (a file in ``$CREDENTIALS_DIRECTORY``, systemd's ``LoadCredential``). The value is read
anew by each :meth:`Secret.reveal`, so a rotated file takes effect without a restart.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from slawatch.runtime.errors import Unavailable

Source = Literal["file", "env", "credential", "literal"]

LARGEST_SECRET = 64 * 1024
"""Bytes. A longer file is a mistake (a device, a log), not a secret."""

_EXPECTED = "a secret is written {file: /absolute/path}, {env: NAME} or {credential: name}"


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is. Neither ``repr`` nor ``str`` nor serialisation shows its value.

    Equal when it names the same place, so that an unchanged configuration compares as unchanged.
    """

    source: Source
    name: str = field(repr=False)

    @classmethod
    def of(cls, value: str) -> Secret:
        """A secret that the program itself holds. No configuration can say this."""
        return cls("literal", value)

    @classmethod
    def parse(cls, value: object) -> Secret:
        """The secret that a configuration names; ``ValueError`` never repeats what was written."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping) or len(value) != 1:
            raise ValueError(_EXPECTED)
        [(source, name)] = value.items()
        if source not in ("file", "env", "credential") or not isinstance(name, str):
            raise ValueError(_EXPECTED)
        return cls(source, _checked_name(source, name))

    def reveal(self) -> str:
        """The value, without one trailing line end; ``Unavailable`` says which place could not be read."""
        if self.source == "literal":
            return self.name
        if self.source == "env":
            return self._from_environment()
        return self._from_file(self.path())

    def __repr__(self) -> str:
        return f"Secret({self.place})"

    __str__ = __repr__

    @property
    def place(self) -> str:
        """Where it is, for people: ``file /etc/slawatch/token``; never the value."""
        return "held in memory" if self.source == "literal" else f"{self.source} {self.name}"

    def path(self) -> Path:
        """The file that holds it; ``Unavailable`` where that is not known. Only for a file or a credential."""
        if self.source == "file":
            return Path(self.name)
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise Unavailable(f"the secret {self.place} needs $CREDENTIALS_DIRECTORY (systemd LoadCredential=)")
        return Path(folder) / self.name

    def _from_environment(self) -> str:
        try:
            return os.environ[self.name]
        except KeyError:
            raise Unavailable(f"the secret {self.place} is not set") from None

    def _from_file(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                raw = file.read(LARGEST_SECRET + 1)
        except OSError as error:
            raise Unavailable(f"the secret {self.place} cannot be read: {error.strerror}") from None
        if len(raw) > LARGEST_SECRET:
            raise Unavailable(f"the secret {self.place} is longer than {LARGEST_SECRET} bytes")
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            raise Unavailable(f"the secret {self.place} is not UTF-8 text") from None
        return text.removesuffix("\n").removesuffix("\r")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(_as_mapping),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("file", "env", "credential")},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }


def _checked_name(source: str, name: str) -> str:
    if not name or not name.isprintable():
        raise ValueError(_EXPECTED)
    if source == "file" and not name.startswith("/"):
        raise ValueError("a secret's file is an absolute path, as in {file: /etc/slawatch/token}")
    if source == "credential" and ("/" in name or name in (".", "..")):
        raise ValueError("a credential's name is a plain file name without a slash")
    return name


def _as_mapping(secret: Secret) -> dict[str, str]:
    """What is written out again: the place; for a value held in memory only that there is one."""
    return {secret.source: "" if secret.source == "literal" else secret.name}
