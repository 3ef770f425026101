"""The storefront's JSON contract: what other programmes build on. Described at /api/v1/openapi.json."""
