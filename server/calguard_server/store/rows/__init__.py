"""Between rows and objects, one file a kind of object."""
