"""Worker processes that compute for the service, so that its event loop is never blocked."""
