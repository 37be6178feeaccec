"""Training the networks of the ``image`` codec."""
