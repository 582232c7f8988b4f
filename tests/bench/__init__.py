"""Measurements, as ratios beside the bare alternative in one run."""
