"""Chooses the kernel of this machine, once, when the service starts."""

from monitor.screen.kernel import Kernel, numpy_kernel


def warm() -> Kernel:
    """Return the kernel of this machine, its loops compiled and run once; takes seconds where no cache can be kept.

    Compiled code is cached where numba finds a place it may write to (NUMBA_CACHE_DIR, the package, the user's cache).
    Without such a place the loops are compiled anew, and where they cannot be, numpy does the same work more slowly.
    """
    try:
        from monitor.screen.compiled import compiled  # noqa: PLC0415  # numba loads half a second and may be broken
    except ImportError as e:
        return numpy_kernel(f"numba cannot be loaded: {e}")
    found = compiled()
    return numpy_kernel(found) if isinstance(found, str) else found
