"""`edgewright-tune`: which pack of a model to use on a device, and why."""
