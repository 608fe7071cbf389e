"""Results to words, numbers, tables, downloads and the machine-readable feed."""
