"""What `calguard watch` is made of: the watch it reads, and the ways in which it tells what it reads."""
