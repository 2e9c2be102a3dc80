"""Reads an instruction, chooses tools, checks the answer, talks to the person."""
