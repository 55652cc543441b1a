"""The record of telephone calls: what was asked, how far the caller was verified, who took over (docs/rooms/hotline.md)."""
