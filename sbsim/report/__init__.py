"""Results for readers: rows of tables, made of estimates. It neither prints nor simulates."""
