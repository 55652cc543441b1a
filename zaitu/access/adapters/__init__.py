"""What access keeps in the memory of a process."""
