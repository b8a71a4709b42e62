"""Search over settings: knobs as dimensions, remembered evaluations, pattern search and evolution on common random numbers, sweeps.

It asks for KPIs and judges them; it knows neither the pipeline nor how a run is made.
"""
