"""Watchers that stall, leave and come back to a server that is killed, while writers change everything.

`writers.py` change pages and break links, `subscriber.py` is one watcher and the mirror it keeps, `oracle.py` says from
the whole log and the store what each must hold, `run.py` plays one run of a seed. `make torture` plays a long one.

Notices are tortured apart: `notices_load.py` breaks what there is to tell of, `notices_faults.py` the receivers;
`received.py` is what people got, `tries.py` what the server did, `replay.py` what the rules say was owed, and
`notices_oracle.py` holds these against one another. `make torture-notices` plays a long run.
"""
