"""How the parts of this package say that a file is not what it should be."""


class Malformed(ValueError):  # noqa: N818 (an adjective, as in `Malformed: operation conv 'x': ...`)
    """A part of a package that cannot be used; the message names the part, `Interpreter` adds the file."""
