"""The pipeline under asyncio: the same object that a simulation drives, with futures instead of a table and real providers instead of models."""
