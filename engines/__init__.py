"""The models: recognition, diarization, voices, LLMs; and where their weights come from."""
