"""Every operation the interpreter knows: operation type -> kernel.

One file per family, each with its own `KERNELS`; a new operation is one function there.  Semantics are those of the
MIL operation reference in coremltools 9; the parameter names and defaults are MIL's (kernels.py says how they bind).
"""

from ..kernels import Kernel
from . import (
    activation,
    arithmetic,
    compression,
    convolution,
    layout,
    normalisation,
    pooling,
    quantisation,
    reduction,
    resampling,
)

OPERATIONS: dict[str, Kernel] = {
    name: kernel
    for family in (
        activation,
        arithmetic,
        compression,
        convolution,
        layout,
        normalisation,
        pooling,
        quantisation,
        reduction,
        resampling,
    )
    for name, kernel in family.KERNELS.items()
}
