"""How often recorded traffic asks for the same, or nearly the same, and what a memory of a given size would make of it.

Owns measurements on a file of traffic alone: no scenario, no provider, no waiting time (what is missed is there at once). Policies and
near-duplicates are the very components of the pipeline.
"""
