"""Robots in staff's groups; who carries it says the robot's row."""
