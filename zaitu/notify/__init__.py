"""What is said to whom: messages, channels, delivery states."""
