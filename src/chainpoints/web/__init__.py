"""Pages for people, drawn on the server. They read the store as the API does, and act through the API alone."""
