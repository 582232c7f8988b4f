"""The acts of the story, in their order: opening, linking, breaking, crash, recovery, closing."""
