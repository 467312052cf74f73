"""What people write today, in plain Keras: what specc is measured against."""
