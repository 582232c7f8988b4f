"""Databases of earlier schemas, as the programs of their time wrote them, and what those answered."""
