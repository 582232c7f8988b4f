"""Generated messages and stubs of the Calguard contract."""
