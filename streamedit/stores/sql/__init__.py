"""What outlives the server: keys, groups and end users, budgets, the ledger. SQLite by default, PostgreSQL by its URL."""
