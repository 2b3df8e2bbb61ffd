"""Where weights come from, one file a kind; a kind is imported only when a listing asks for it."""
