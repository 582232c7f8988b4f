"""Google: consent and tokens, calendar calls, and what is to be made of whatever comes back.

`provider.py` is the way in. `classify.py` is pure and is the only judge of an answer; everything else only carries
requests there and answers back, over one aiohttp session that is not ours to close.
"""
