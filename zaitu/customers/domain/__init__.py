"""What a customer and a contact are, and what is shown of them: pure."""
