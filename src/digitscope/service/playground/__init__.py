"""Networks in training that a browser follows: one process each."""
