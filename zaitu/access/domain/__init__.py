"""Who may do what, and what is shown of users, keys and links: pure."""
