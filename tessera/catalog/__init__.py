"""The data catalogue (speaks the API of DataGalaxy v2)."""
