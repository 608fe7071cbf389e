"""Records of database exports: reading files, finding duplicates, keeping track of both.

Nothing is imported here: `readers.read_files` reads exports, `dedup.deduplicate` finds duplicates.
"""
