"""How fast a conversation is answered, as ratios between things measured in one run."""
