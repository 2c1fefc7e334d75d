"""`edgewright-report`: one HTML page of curves, packs, accuracy against latency, and what the networks see."""
