"""What the engine needs of the world: each port has, or will have, more than one adapter.

The clock and the provider have a fake in the tests; the store has SQLite now, and is kept free of it for others.
"""
