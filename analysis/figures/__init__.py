"""Results to pictures, one family a module; each carries alt text and its data table."""
