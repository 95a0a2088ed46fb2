"""The routes: requests in, answers out; with FastAPI."""
