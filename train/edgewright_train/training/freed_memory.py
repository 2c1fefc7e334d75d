"""Memory that a step frees stays with the process for the next one.

By default glibc gives large blocks back to the system at once, so that every step of a training has its activations
mapped and zeroed anew: a sixth of the time of a step of YOLO-FastestV2 on one core (docs/training.md).
"""

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """From now on; elsewhere than with glibc it does nothing."""
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)
