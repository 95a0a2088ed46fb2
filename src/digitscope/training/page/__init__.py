"""Training of the page network."""
