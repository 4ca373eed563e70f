"""The log of what happened: written, numbered, chained, read on, and told to others."""
