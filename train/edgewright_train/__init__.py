"""Training, models, data and importers of edgewright."""

__version__ = "0.1.0"
