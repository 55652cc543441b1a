"""The GS1 JSON schema."""
