"""The grammar of `.cfg` files: lines to sections, nothing yet said of what they mean.  spec-darknet-cfg section 1.

Blanks mean nothing anywhere in a line.  `#` and `;` start a comment only as the first character.  Of a key given twice
in a section the first one counts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..errors import InputError
from ..untrusted_file import read_at_most

MAX_BYTES = 1 << 20
MAX_SECTIONS = 4096
_BLANKS = str.maketrans("", "", " \t\r")
_MAX_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Option:
    """`key=value`, without blanks, and its line number from 1."""

    key: str
    value: str
    line: int


@dataclass(frozen=True)
class Section:
    """`[name]` and every option below it, repeated keys too."""

    name: str
    line: int
    options: tuple[Option, ...]

    @cached_property
    def first(self) -> dict[str, Option]:
        """Key -> the option that counts."""
        return {option.key: option for option in reversed(self.options)}


@dataclass(frozen=True)
class Place:
    """Where in a file something stands, for messages: `x.cfg:12: [route] layers=3: ...`."""

    source: str
    section: Section

    def message(self, what: str, key: str | None = None) -> str:
        option = self.section.first.get(key or "")
        if option is None:
            named = f" {key}" if key else ""
            return f"{self.source}:{self.section.line}: [{shown(self.section.name)}]{named}: {what}"
        given = f"{shown(option.key)}={shown(option.value)}"
        return f"{self.source}:{option.line}: [{shown(self.section.name)}] {given}: {what}"

    def error(self, what: str, key: str | None = None) -> InputError:
        return InputError(self.message(what, key))


def read_cfg_text(path: Path) -> str:
    """The file as it is; encoding it as UTF-8 gives the same bytes.  Raises `InputError` for what cannot be a cfg."""
    data = read_at_most(path, MAX_BYTES, "a cfg")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: byte 0x{data[error.start]:02x} is not UTF-8 text; give a text file") from None


def parse_sections(text: str, *, source: str) -> tuple[Section, ...]:
    """In the order of the file.  Raises `InputError` at the first line that is no section, option or comment."""
    if len(text) > MAX_BYTES:
        raise InputError(f"{source}: {len(text)} characters; a cfg may have at most {MAX_BYTES}")
    drafts: list[tuple[str, int, list[Option]]] = []
    for number, line in _meaningful_lines(text, source):
        where = f"{source}:{number}: "
        if line[0] == "[":
            if len(drafts) == MAX_SECTIONS:
                raise InputError(f"{where}more than {MAX_SECTIONS} sections")
            drafts.append((_section_name(line, where), number, []))
        elif drafts:
            name, _, options = drafts[-1]
            options.append(_option(line, number, f"{where}[{shown(name)}] "))
        else:
            raise InputError(f"{where}'{shown(line)}' stands before any section; a cfg starts with [net]")
    if not drafts:
        raise InputError(f"{source}: holds no section; a cfg starts with [net]")
    return tuple(Section(name, line, tuple(options)) for name, line, options in drafts)


def write_sections(sections: Iterable[Section]) -> str:
    """Canonical text that `parse_sections` reads back as the same sections, at other lines.  Comments are not kept."""
    blocks = ([f"[{section.name}]", *(f"{o.key}={o.value}" for o in section.options)] for section in sections)
    return "\n".join("\n".join(block) + "\n" for block in blocks)


def shown(text: str) -> str:
    """Short enough for a message, and on one line."""
    cut = text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."
    return cut if cut.isprintable() else repr(cut)[1:-1]


def _meaningful_lines(text: str, source: str) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if "\0" in raw:
            raise InputError(f"{source}:{number}: holds a NUL byte; give a text file")
        line = raw.translate(_BLANKS)
        if line and line[0] not in "#;":
            yield number, line


def _section_name(line: str, where: str) -> str:
    if line[-1] != "]" or len(line) == 2 or "]" in line[:-1]:
        raise InputError(f"{where}'{shown(line)}': must be [section] and nothing else on the line")
    return line[1:-1]


def _option(line: str, number: int, where: str) -> Option:
    key, sign, value = line.partition("=")
    if not (key and sign and value):
        raise InputError(f"{where}'{shown(line)}': must be key=value")
    return Option(key, value, number)
