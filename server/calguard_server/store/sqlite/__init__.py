"""The store on SQLite: one file, one process, one writer. Its calls are here by topic; `store.py` has all of them."""
