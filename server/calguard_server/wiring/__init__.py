"""The wiring: how the parts of a server are built from settings; `app.py` starts and ends them."""
