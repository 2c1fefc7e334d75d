"""Files of the kernel that a machine may or may not have: what cannot be read is not told."""

from pathlib import Path


def first_line(path: Path) -> str:
    """Without the spaces around it; empty: not told."""
    try:
        return (path.read_text(errors="replace").splitlines() or [""])[0].strip()
    except OSError:
        return ""


def number(path: Path) -> float | None:
    """Of the first line; None: not told."""
    try:
        return float(first_line(path))
    except ValueError:
        return None
