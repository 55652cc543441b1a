"""SQL the ORM cannot say."""
