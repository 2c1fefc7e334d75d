"""From a float network to int8 inside a declared accuracy budget: ranges, plans, quantised artefacts, their proof."""
