"""Builds of the C++ runner: for this machine, for ARM, as a Debian package; and what they are built from."""
