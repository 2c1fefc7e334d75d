"""One training, from its recipe to the run folder it leaves."""
