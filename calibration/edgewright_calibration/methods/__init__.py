"""How the range of a tensor is chosen from its statistics: one file per method."""

from .aciq import aciq
from .kl import kl
from .method import Method
from .min_max import min_max
from .moving_average import moving_average
from .mse import mse
from .percentile import percentile

METHODS: dict[str, Method] = {
    "min_max": min_max,
    "moving_average": moving_average,
    "percentile": percentile,
    "mse": mse,
    "kl": kl,
    "aciq": aciq,
}

__all__ = ["METHODS", "Method"]
