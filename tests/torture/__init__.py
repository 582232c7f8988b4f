"""Watchers that stall, leave and come back to a server that is killed, while writers change everything.

`writers.py` change pages and break links, `subscriber.py` is one watcher and the mirror it keeps, `oracle.py` says from
the whole log and the store what each must hold, `run.py` plays one run of a seed. `make torture` plays a long one.
"""
