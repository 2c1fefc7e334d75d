"""Several processes that train one network: each computes its share of every batch."""
