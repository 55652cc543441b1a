"""Loops over columns, compiled by numba: as plain as C, no objects. The readable meaning of each stands in codecs and rules."""
