"""Zaitu 在途: a shipment's whole journey, told before anyone asks."""

__version__ = "0.1.0"
