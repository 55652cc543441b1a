"""Feishu 飞书: a robot in a staff group."""
