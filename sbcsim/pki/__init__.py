"""Certificates and keys: files in, chains judged at a given time, a test authority."""
