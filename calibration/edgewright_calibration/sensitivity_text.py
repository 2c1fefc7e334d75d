"""A network's sensitivity as a terminal shows it: the worst layers and what all of them cost together."""

from pathlib import Path

from edgewright_export.sensitivity import LayerSensitivity, Sensitivity

_NUM_WORST = 10


def as_text(found: Sensitivity, path: Path, next_step: str) -> str:
    """`path`: of the file; `next_step`: a command."""
    worst, num_always_float = found.worst_first, sum(not layer.quantised for layer in found.layers)
    loss_head = f" {f'loses {found.metric}':>11}" if found.metric else ""
    lines = [
        f"{_title(found)}: {len(worst)} layers alone, on {len(found.images)} images of {found.dataset.name}",
        f"  {'worst layers':24} {'share':>7} {'SQNR dB':>8}{loss_head} {'kind':9} {'million MACs':>12}",
        *(_line(layer, found) for layer in worst[:_NUM_WORST]),
        f"together: {_together(found)}",
    ]
    if num_always_float:
        kinds = ", ".join(sorted({layer.kind for layer in found.layers if not layer.quantised}))
        lines.append(f"always float for {found.target}: {num_always_float} layers ({kinds})")
    return "\n".join([*lines, f"wrote {path}", f"next: {next_step}"])


def _title(found: Sensitivity) -> str:
    method = f" by {found.method}" if found.method else ""
    return f"{found.model}, {found.target}-{found.precision}{method}, {found.width}x{found.height}"


def _line(layer: LayerSensitivity, found: Sensitivity) -> str:
    share = layer.noise / found.summed_noise if found.summed_noise else 0.0
    sqnr = "-" if layer.sqnr_db is None else f"{layer.sqnr_db:.1f}"
    loss = "" if layer.loss is None else f" {layer.loss:>+11.4f}"
    return f"  {layer.name:24} {share:>7.1%} {sqnr:>8}{loss} {layer.kind:9} {layer.macs / 1e6:>12.2f}"


def _together(found: Sensitivity) -> str:
    whole = found.together
    text = f"noise {whole.noise:.4f} (the layers alone add up to {found.summed_noise:.4f})"
    if whole.sqnr_db is not None:
        text += f", SQNR {whole.sqnr_db:.1f} dB"
    if whole.loss is None or whole.loss_low is None or whole.loss_high is None or found.source_value is None:
        return text
    interval = f"[{whole.loss_low:+.4f}, {whole.loss_high:+.4f}]"
    return f"{text}; loses {whole.loss:+.4f} {interval} of {found.metric} {found.source_value:.4f}"
