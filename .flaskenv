# What the `flask` command uses in a checkout; .env and the environment win over it.
FLASK_APP=run
FLASK_ENV=development
