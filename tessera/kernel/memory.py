"""How the C library keeps memory: what a long list needed stays with the process for the next one.

By its default, glibc gives back and asks anew for every answer of megabytes, and each new page costs a fault: a third
of the CPU of a list of 2,000 rows.
"""

import ctypes
from typing import Final

KEPT_BYTES: Final = 32 * 1024 * 1024
"""At most so much is kept unused at the top of each of the library's arenas."""
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3


def keep() -> bool:
    """Set it for this process; False where the C library has no such switch."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, KEPT_BYTES) and mallopt(_TRIM_THRESHOLD, KEPT_BYTES))
