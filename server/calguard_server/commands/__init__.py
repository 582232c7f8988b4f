"""The commands of `calguard-server`, each in a file of its own; `__main__` reads which one is meant."""
