"""The published weights, fixtures and images that lie beside a checkout; tests that need them skip without them."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs the shared test material at {SHARED}")
