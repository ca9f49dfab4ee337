"""The shapes of requests and answers. Unknown fields are refused, numbers are never floats."""
