"""Model selection: settings compared on held-out folds, all trained in one pass."""
