"""HTTP to the providers: one client over our own connections, made for answers of megabytes."""
