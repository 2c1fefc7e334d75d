"""Latency from Python, by the method of `edgebench bench`: the same stages, warm-up, evidence and verdict."""
