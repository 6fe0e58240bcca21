"""Templates and static files: read once from the package, served from memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml; charset=utf-8",
}


class Static:
    """The static files of the package: ``name`` → content, type and a tag that changes with the content."""

    def __init__(self) -> None:
        folder = files("slawatch.web").joinpath("static")
        self._content = {item.name: item.read_bytes() for item in folder.iterdir() if "." in item.name}
        self._tags = {name: hashlib.sha256(content).hexdigest()[:16] for name, content in self._content.items()}

    def url(self, name: str) -> str:
        """Where a page finds a file. Another content has another address, so it may be kept for ever."""
        return f"/static/{self._tags[name]}/{name}"

    def find(self, tag: str, name: str) -> tuple[bytes, str] | None:
        """Content and media type; None for any other address."""
        if name not in self._content or tag != self._tags[name]:
            return None
        return self._content[name], _TYPES[name.rpartition(".")[2]]

    def text(self, name: str) -> str:
        """A file's text."""
        return self._content[name].decode()


class Pages:
    """Renders templates. Everything is escaped unless it is markup that a template made."""

    def __init__(self, static: Static, site: str) -> None:
        self._environment = Environment(
            loader=PackageLoader("slawatch.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(asset=static.url, site=site, mark=Markup(static.text("favicon.svg")))  # noqa: S704

    def render(self, name: str, values: Mapping[str, Any]) -> Markup:
        """The text of a template."""
        return Markup(self._environment.get_template(name).render(values))  # noqa: S704  autoescape made it safe
