"""The figures of a split as text."""

from collections.abc import Mapping, Sequence
from typing import Any

_NUM_LINES = 50
_WIDEST_LABEL = 28


def split_text(name: str, figures: Mapping[str, Any], odd: Sequence[str], bad: Sequence[str], sheet: str) -> str:
    """A paragraph; lists are cut after 50 lines, the JSON has all."""
    lines = [f"{name}: {_count(figures['images'], 'image')} for the task {figures['task']}"]
    lines += [f"  {title:<12}{text}" for title, text in _facts(figures) if text]
    lines += ["", *_class_table(figures["classes"]), ""]
    lines += _listed("looks odd", odd)
    lines += _listed("bad records", bad)
    if sheet:
        lines.append(f"  contact sheet: {sheet}")
    return "\n".join(lines)


def _facts(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [("image sizes", _sizes(figures["image_sizes"]))]
    if figures["task"] == "detect":
        shares = figures["area_shares"]
        of_image = {key: 100 * value for key, value in figures["side_of_image"].items()}
        marked = [
            _count(figures[key], word)
            for key, word in (("crowds", "crowd"), ("difficult", "difficult one"))
            if figures[key]
        ]
        facts += [
            ("boxes", ", ".join((f"{figures['boxes']}", *marked))),
            ("per image", f"{_range(figures['boxes_per_image'])}; {figures['images_without_boxes']} images have none"),
            ("area", ", ".join(f"{100 * share:.1f} % {size}" for size, share in shares.items())
             + " (COCO's limits: 32x32 and 96x96 pixels of the stored image)"),
            ("width", _range(figures["width_px"], " px")),
            ("height", _range(figures["height_px"], " px")),
            ("of image", _range(of_image, " %", 1) + " (square root of the share of its area)" if of_image else ""),
            ("aspect", _range(figures["aspect"], digits=2) + " (width / height)" if figures["aspect"] else ""),
        ]  # fmt: skip
    elif figures["task"] == "classify":
        facts.append(("per image", f"{_range(figures['classes_per_image'])} classes"))
    else:
        facts.append(("ignored", f"{100 * figures['ignored_share']:.2f} % of all pixels"))
    return facts


def _sizes(sizes: Mapping[str, Any]) -> str:
    if not sizes:
        return ""
    common = ", ".join(f"{each['width']}x{each['height']} ({each['images']})" for each in sizes["most_common"])
    rest = sizes["distinct"] - len(sizes["most_common"])
    if not rest:
        return common
    span = f"{sizes['least_width']} to {sizes['most_width']} by {sizes['least_height']} to {sizes['most_height']}"
    return f"{common}, and {rest} others; {span} pixels"


def _range(found: Mapping[str, float], unit: str = "", digits: int = 0) -> str:
    if not found:
        return "none"
    shown = {key: f"{value:.{digits}f}" for key, value in found.items()}
    if shown["least"] == shown["most"]:
        return f"always {shown['least']}{unit}"
    middle = f"half of them {shown['p25']} to {shown['p75']}, median {shown['p50']}"
    return f"{shown['least']} to {shown['most']}{unit}, {middle}"


def _class_table(classes: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The most frequent first."""
    columns = list(next(iter(classes.values())))
    main = columns[0]
    total = sum(each[main] for each in classes.values()) or 1
    width = min(max(map(len, ("class", *classes))), _WIDEST_LABEL)
    titles = {"boxes": "boxes", "images": "images", "pixel_share": "of pixels"}
    lines = ["  " + "class".ljust(width) + "".join(f"{titles[column]:>11}" for column in columns) + "  share"]
    for label, each in sorted(classes.items(), key=lambda item: -item[1][main]):
        cells = "".join(f"{100 * each[c]:>9.2f} %" if c == "pixel_share" else f"{each[c]:>11.0f}" for c in columns)
        share = each[main] / total
        text = label if len(label) <= width else label[: width - 3] + "..."
        lines.append(f"  {text:<{width}}{cells}  {'#' * round(30 * share)}{'' if each[main] else 'none'}".rstrip())
    return lines


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return [f"  {title}: none"]
    rest = len(lines) - _NUM_LINES
    more = [f"    and {rest} more (all of them: JSON=file)"] if rest > 0 else []
    return [f"  {title}: {len(lines)}", *(f"    {line}" for line in lines[:_NUM_LINES]), *more]


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
