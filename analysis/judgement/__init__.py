"""Judgements: appraisal of studies by tools kept as data, and certainty of bodies of evidence.

What a rule can compute is computed here and tested; what is judged stands in `data/` with its reason
and its status. No rule writes over a signed judgement.
"""
