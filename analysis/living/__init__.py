"""The living mode: records and decisions, versions, what changed, and when the next search is due.

Nothing is imported here, so that each command pays only for the part that it uses.
"""
