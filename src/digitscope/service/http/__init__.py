"""The HTTP side of the service: routes, middleware, limits and errors, with FastAPI."""
