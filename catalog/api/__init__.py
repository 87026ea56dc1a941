"""What every GraphQL field and every file view stands on: who asks, errors with a code, uploads, limits.

`errors` gives `ApiError`, `access` says who asks and what they may do, `uploads` reads multipart requests.
Called by the schemas and views of every app; knows no app but the catalogue.
"""
