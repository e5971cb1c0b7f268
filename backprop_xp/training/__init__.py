"""From data to a trained network."""
