"""The whole engine under a virtual clock and one seed, held against a model that says the rules a second time.

1. `world.py` runs one server after another: a real store, the real use cases, loops and feed. `google.py` and
   `receivers.py` are the world's edges, with faults. Whatever is left to chance is drawn from one seeded source.
2. `steps.py` chooses what happens next: what people do, what breaks, how much time passes, when the server ends.
3. The model (`*_rules.py`) is told what was asked and what Google answered, in plain words, and knows nothing of the
   server's code. `follow.py` reads the log as it grows and demands that the model explains each change; `verify.py`
   compares everything after each step.
4. A failure prints its seed and every step. `make simulate SEED=...` plays the same history again.
"""
