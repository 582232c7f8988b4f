"""Watchers that stall, leave and come back to a server that is killed, while writers change everything.

`writers.py` change pages and break links, `subscriber.py` is one watcher and the mirror it keeps, `oracle.py` says from
the whole log and the store what each must hold, `run.py` plays one run of a seed. `make
torture-watches` plays a long one.

What is tortured by many kills shares `serving.py`, `members.py` (calendars that break and heal), `weather.py` (far ends
that fail) and `command_line.py`.

Notices are tortured apart: `notices_load.py` breaks what there is to tell of, `notices_faults.py` the receivers;
`received.py` is what people got, `tries.py` what the server did, `replay.py` what the rules say was owed, and
`notices_oracle.py` holds these against one another. `make torture-notices` plays a long run.

So are appointments: `appointments_callers.py` and `outages.py` are those who call, `appointments_faults.py` how Google
fails, `vandal.py` who deletes events by hand; `book.py` is what was answered, `even_turns.py` whose turn it was, and
`appointments_oracle.py` holds these against answers, calendars and mail. `make torture-appointments` plays a long run.
"""
