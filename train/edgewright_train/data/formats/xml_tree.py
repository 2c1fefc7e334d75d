"""Small XML files as a tree whose elements know their line.  Nothing is expanded and nothing is fetched.

A document type declaration is refused: with it come entities, and with those files that grow without end ("billion
laughs") or that read others.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from ...errors import InputError
from ...untrusted_file import read_at_most

_MAX_BYTES = 4 << 20
_MAX_DEPTH = 32


@dataclass
class Element:
    """`text`: what stands directly in it, without surrounding space."""

    tag: str
    line: int
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, tag: str) -> Iterator["Element"]:
        """Children of that name."""
        return (child for child in self.children if child.tag == tag)

    def first(self, tag: str) -> "Element | None":
        return next(self.all(tag), None)


def read_xml(path: Path) -> Element:
    """The root.  Raises `InputError` with the line for what is not well-formed, too large, or too deep."""
    data = read_at_most(path, _MAX_BYTES, "an XML annotation")
    builder = _Builder(path)
    try:
        builder.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError(f"{path}:{error.lineno}: not valid XML: {expat.ErrorString(error.code)}") from None
    except (LookupError, ValueError) as error:  # an encoding that nobody knows
        raise InputError(f"{path}: not valid XML: {error}") from None
    return builder.root


class _Builder:
    """Handlers of expat that grow a tree."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = [Element("", 0)]
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype

    @property
    def root(self) -> Element:
        return self._open[0].children[0]

    def _start(self, tag: str, _attributes: object) -> None:
        if len(self._open) > _MAX_DEPTH:
            raise InputError(f"{self._path}:{self._line}: elements within elements, more than {_MAX_DEPTH} deep")
        element = Element(tag, self._line)
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, _tag: str) -> None:
        element = self._open.pop()
        element.text = element.text.strip()

    def _characters(self, text: str) -> None:
        self._open[-1].text += text

    def _doctype(self, *_: object) -> None:
        raise InputError(f"{self._path}:{self._line}: declares a DOCTYPE, and with it perhaps entities; remove it")

    @property
    def _line(self) -> int:
        return self.parser.CurrentLineNumber
