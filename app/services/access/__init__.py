"""Who may come in: accounts, passwords, sessions, tokens, and the issuer of OpenID Connect."""
