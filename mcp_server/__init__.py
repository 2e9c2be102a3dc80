"""The Toolbox over MCP: one thin adapter, nothing defined twice."""
