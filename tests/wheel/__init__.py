"""The built wheel, installed where the source tree is not: `python -m tests.wheel`."""
