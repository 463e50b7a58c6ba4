def forward(self, texts: List[str]) -> List[str]:
    return [text.upper() for text in texts]
