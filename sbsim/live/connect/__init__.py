"""Ways to reach a provider. A connection sends one call and comes back with its outcome; it decides nothing."""
