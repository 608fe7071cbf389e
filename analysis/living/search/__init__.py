"""Scheduled searches: strategies in files, a polite client, and import files as the only result.

Nothing is imported here, and nothing here runs during a build: `strategies.load_strategies` reads the
strategies, `run.run_search` fetches.
"""
