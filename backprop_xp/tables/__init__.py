"""The user's own tables: from a file of mixed columns to a network and back to labels."""
