"""What can be asked of a recording: the Toolbox. Knows neither LangGraph nor MCP."""
