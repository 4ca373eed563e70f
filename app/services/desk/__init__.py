"""The tickets: their life, what is said and kept with them, and how they come in and are found."""
