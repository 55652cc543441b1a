"""The hotline: one state machine in text behind the doors of telephone systems (docs/rooms/hotline.md)."""
