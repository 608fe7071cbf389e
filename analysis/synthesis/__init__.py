"""Numeric core of the review: pooling, heterogeneity, intervals, subgroups and regression.

Pure functions of arrays on numpy and scipy.special. Nothing here reads files, draws or knows of
the book; each module holds one idea and lists its public names.
"""
