"""GraphQL over HTTP and websocket: errors, limits, uploads, execution. Knows no app of the project."""
