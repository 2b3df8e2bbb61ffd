"""The closed loop of `benchmarks.scaling_closed_loop`: engines in pods, load, what is applied, what came of it.

`stand_in` runs in pods and imports the simulated engine only; the others run beside the cluster.
"""
