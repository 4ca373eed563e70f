"""How much CPU a request takes, against the least that it could take. ``README.md`` explains it."""
