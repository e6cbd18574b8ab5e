"""The pipeline's tables: their schema, their files, and SQL over them."""
