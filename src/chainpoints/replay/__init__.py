"""The replay: real purchases sent through the public HTTP API, as a merchant's till and its customers would."""
