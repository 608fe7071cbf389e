"""What was read: contracts, loading, checks and the selection of one question at a time.

Nothing is imported here, so that the package costs nothing until a part of it is used:
`load.load_evidence`, `select.select`, `awaited.awaited`.
"""
