"""Benchmarks on devices, their results and the report.  Reads packs; never converts."""
