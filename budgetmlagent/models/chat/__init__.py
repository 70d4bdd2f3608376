"""One request through LangChain: at an OpenAI-compatible endpoint, or by any other chat model."""
