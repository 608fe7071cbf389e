"""What was read: contracts, loading, checks and the selection of one question at a time."""
