"""The writers: one module per target, each making its artefact from the captured graph and a plan."""
