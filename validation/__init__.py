"""Checks of the numeric core that readers see: agreement with other software, coverage by simulation."""
