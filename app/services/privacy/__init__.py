"""What is kept of a person: handed over, or forgotten."""
