"""Every word said to an LLM, in Markdown, shipped as package data."""
