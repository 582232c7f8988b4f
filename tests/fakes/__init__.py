"""Stand-ins for the world's edges: time, chance and ids; and a provider that answers what a test says."""
