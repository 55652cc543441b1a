"""Signed webhooks to customers' systems (Standard Webhooks 1.0)."""
