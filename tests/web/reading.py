"""A page as a person reads it: elements by id, class and text; and whether its markup is sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "br", "hr", "img", "input", "path", "rect", "line", "circle", "use"})


@dataclass(slots=True)
class Element:
    """One element, with what is inside it in order."""

    tag: str
    attributes: dict[str, str]
    inside: list[Element | str] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        """This element and every one below it, in order."""
        yield self
        for item in self.inside:
            if isinstance(item, Element):
                yield from item.walk()

    @property
    def text(self) -> str:
        """What is read, with single spaces; not what appears only when pointed at."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for item in self.inside:
            if isinstance(item, str):
                yield item
            elif item.tag not in ("title", "script", "symbol", "noscript"):
                yield " "
                yield from item._texts()
                yield " "

    def all(self, tag: str = "", css: str = "") -> list[Element]:
        """Every element of a tag and with a class."""
        return [
            found
            for found in self.walk()
            if (not tag or found.tag == tag) and (not css or css in found.attributes.get("class", "").split())
        ]

    def one(self, tag: str = "", css: str = "") -> Element:
        """The only element of a tag and with a class."""
        (found,) = self.all(tag, css)
        return found

    def by_id(self, name: str) -> Element:
        """The element with an id."""
        (found,) = [element for element in self.walk() if element.attributes.get("id") == name]
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack = [Element("document", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> says something twice: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.stack[-1].inside.append(element)
        if tag not in VOID or (tag == "rect"):
            self.stack.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack[-1].inside.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack[-1].tag == tag, f"</{tag}> ends <{self.stack[-1].tag}>"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.stack[-1].inside.append(data)


def read(html: str) -> Element:
    """The document. AssertionError where tags do not match or an id is used twice."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.stack) == 1, f"left open: {[element.tag for element in reader.stack[1:]]}"
    ids = [element.attributes["id"] for element in reader.stack[0].walk() if "id" in element.attributes]
    assert len(ids) == len(set(ids)), "an id is used twice"
    return reader.stack[0]
