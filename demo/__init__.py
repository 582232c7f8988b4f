"""`make demo`: a calendar link breaks and comes back, told as it happens and verified by looking."""
