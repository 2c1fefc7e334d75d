"""Cases of every operation of the interpreter, one file per few families, each with an independent truth."""

from .activation import ACTIVATION, NORMALISATION
from .arithmetic import ARITHMETIC, REDUCTION
from .case import Case
from .compression import COMPRESSION, QUANTISATION
from .convolution import CONVOLUTION, POOLING
from .layout import LAYOUT, RESAMPLING

CASES: list[Case] = [
    *ACTIVATION,
    *ARITHMETIC,
    *COMPRESSION,
    *CONVOLUTION,
    *LAYOUT,
    *NORMALISATION,
    *POOLING,
    *QUANTISATION,
    *REDUCTION,
    *RESAMPLING,
]
